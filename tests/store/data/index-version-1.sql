-- An index of version 1, as pomdft 0.1.0 wrote it: two calculations, three affinities, the last of
-- them without contacts. Made from the database by Python's sqlite3 (iterdump).
BEGIN TRANSACTION;
PRAGMA user_version=1;
CREATE TABLE affinity (
	"key" VARCHAR NOT NULL,
	ligand VARCHAR NOT NULL,
	metal VARCHAR NOT NULL,
	cluster VARCHAR NOT NULL,
	site VARCHAR NOT NULL,
	charge_model VARCHAR NOT NULL,
	orientation VARCHAR NOT NULL,
	level VARCHAR NOT NULL,
	level_fingerprint VARCHAR NOT NULL,
	energy_ev FLOAT NOT NULL,
	std_ev DOUBLE,
	contacts INTEGER NOT NULL,
	finished DATETIME NOT NULL,
	PRIMARY KEY ("key")
);
INSERT INTO "affinity" VALUES('000000000000000000000001','W5O18','Au','M4','vacancy','protonated','','emt','0da41405',-1.0,NULL,1,'2026-11-24 15:19:18.000000');
INSERT INTO "affinity" VALUES('000000000000000000000002','W5O18','Ag','M4','vacancy','protonated','','emt','0da41405',-2.0,NULL,4,'2026-11-24 15:19:18.000000');
INSERT INTO "affinity" VALUES('000000000000000000000003','W5O18','Au','M4','vacancy','protonated','','emt','0da41405',-3.0,NULL,0,'2026-11-24 15:19:18.000000');
CREATE TABLE calculation (
	"key" VARCHAR NOT NULL,
	label VARCHAR NOT NULL,
	task VARCHAR NOT NULL,
	formula VARCHAR NOT NULL,
	n_atoms INTEGER NOT NULL,
	charge INTEGER NOT NULL,
	level VARCHAR NOT NULL,
	level_fingerprint VARCHAR NOT NULL,
	energy_ev DOUBLE NOT NULL,
	wall_time_s DOUBLE NOT NULL,
	finished DATETIME NOT NULL,
	PRIMARY KEY ("key")
);
INSERT INTO "calculation" VALUES('354403283e6d675da2a58a51','Cu2 2.3','energy','Cu2',2,0,'emt','0da41405',-2.3,1.0,'2026-11-24 15:19:18.000000');
INSERT INTO "calculation" VALUES('90614f314dcdf970da3ed84c','Cu2 2.5','energy','Cu2',2,0,'emt','0da41405',-2.5,1.0,'2026-11-24 15:19:18.000000');
CREATE INDEX ix_calculation_level ON calculation (level);
CREATE INDEX ix_calculation_formula ON calculation (formula);
CREATE INDEX ix_affinity_level ON affinity (level);
CREATE INDEX ix_affinity_ligand ON affinity (ligand);
CREATE INDEX ix_affinity_metal ON affinity (metal);
COMMIT;
