# Daemons that are killed under load, and the judgement over what they said.

# RocksDB's crash points, preloaded into the daemon.
KILL_POINT = $(BUILD)/tests/kill-point.so

$(KILL_POINT): tests/torture/preload/kill_point.c Makefile
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -I. $(WARN) $(CFLAGS) -fPIC -shared \
	    -o $@ $<

# The suite that runs daemons needs it.
$(BUILD)/tests/torture: | $(KILL_POINT)

$(BUILD)/tests/torture-run: $(call objects,tests/torture/tools/torture_run.c \
                            $(filter-out %/main.c $(wildcard \
                            tests/torture/test_*.c),$(wildcard \
                            tests/torture/*.c)) $(LIB_torture)) \
                            $(foreach l,$(USES_torture),$(call lib,$(l))) \
                            | $(KILL_POINT)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcheck_pic -lsubunit -lrt -lm

torture:
	tools/deps test
	$(MAKE) --no-print-directory $(JOBS) all $(BUILD)/tests/torture-run \
	    $(BUILD)/tests/check-history
	$(BUILD)/tests/torture-run --hours $(or $(HOURS),1)

.PHONY: torture
