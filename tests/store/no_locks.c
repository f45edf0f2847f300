/* A file system with less than a local one has, below the folder $POOR_FILES:
   POOR_LOCKS=none     no file locks (ENOLCK), as NFS without its lock manager
   POOR_LOCKS=twice    every lock is granted to everybody
   POOR_QUOTA=N        EDQUOT after N more bytes */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int poor(int fd)
{
    char link[64], path[4096];
    const char *folder = getenv("POOR_FILES");
    if (!folder) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strncmp(path, folder, strlen(folder)) == 0;
}

static int answer(int fd, int *result)
{
    const char *how = getenv("POOR_LOCKS");
    if (!how || !poor(fd)) return 0;
    *result = strcmp(how, "none") == 0 ? -1 : 0;
    if (*result) errno = ENOLCK;
    return 1;
}

int flock(int fd, int operation)
{
    int result;
    if (answer(fd, &result)) return result;
    return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(fd, operation);
}

static int control(const char *name, int fd, int command, void *argument)
{
    int result;
    if ((command == F_SETLK || command == F_SETLKW || command == F_GETLK
         || command == F_OFD_SETLK || command == F_OFD_SETLKW) && answer(fd, &result))
        return result;
    return ((int (*)(int, int, void *))dlsym(RTLD_NEXT, name))(fd, command, argument);
}

int fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    return control("fcntl", fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    return control("fcntl64", fd, command, argument);
}

static int over_quota(int fd, size_t count)
{
    const char *left = getenv("POOR_QUOTA");
    char text[32];
    if (!left || !poor(fd)) return 0;
    long bytes = atol(left) - (long)count;
    snprintf(text, sizeof text, "%ld", bytes < 0 ? 0 : bytes);
    setenv("POOR_QUOTA", text, 1);
    if (bytes < 0) errno = EDQUOT;
    return bytes < 0;
}

ssize_t write(int fd, const void *data, size_t count)
{
    if (over_quota(fd, count)) return -1;
    return ((ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(fd, data, count);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset)
{
    if (over_quota(fd, count)) return -1;
    return ((ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64"))(
        fd, data, count, offset);
}
