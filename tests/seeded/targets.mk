# See tests/seeded/run.
seeded:
	tools/deps test
	tests/seeded/run

.PHONY: seeded
