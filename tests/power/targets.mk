# Power cuts of a guest kernel; see power.py.
#
#   POWER_CUTS=n     so many cuts (10)
#   POWER_FAILING=n  so many disks that fail before the power does (4)
#   POWER_FS=name    ext4 or xfs: the file system of the guest's disk (ext4)
#   POWER_SEED=n     draws again what a run has drawn, but not its timing

POWER_LOAD = $(BUILD)/tests/power-load
POWER_DISK = $(BUILD)/tests/power-disk.so
POWER_NOSYNC = $(BUILD)/tests/power-nosync.so
POWER_PARTS = $(BUILD)/dedupd $(BUILD)/tests/check-history \
              $(POWER_LOAD) $(POWER_DISK) $(POWER_NOSYNC)

$(POWER_LOAD): $(call objects,$(wildcard tests/power/load*.c) \
               tests/torture/history.c tests/lib/reply_parse.c) \
               $(call lib,base)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(BUILD)/tests/power-%.so: tests/power/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(filter-out -fPIE $(SANITIZE) $(COUNT),$(ALL_CFLAGS)) -fPIC \
	    -shared $(filter-out -pie $(SANITIZE) $(COUNT),$(ALL_LDFLAGS)) -o $@ $<

power-parts: $(POWER_PARTS)

# What is preloaded would have to come before a sanitizer, and may not.
test-power:
	@if [ -n '$(SAN)' ]; then \
	    echo 'skipped: not under sanitizers'; \
	elif tools/deps power; then \
	    $(MAKE) --no-print-directory power-cuts; \
	else \
	    echo 'skipped: not everything that it needs can be installed'; \
	fi

power-cuts:
	$(MAKE) --no-print-directory $(JOBS) power-parts
	python3 -B tests/power/power.py --build $(BUILD) \
	    --cuts $(or $(POWER_CUTS),10) --failing $(or $(POWER_FAILING),4) \
	    --fs $(or $(POWER_FS),ext4) \
	    $(if $(POWER_SEED),--seed $(POWER_SEED))

# Without a guest.
check-power:
	shellcheck tests/power/init.sh
	python3 -B tests/power/test_power.py -q

check-tree: check-power

.PHONY: power-parts test-power power-cuts check-power
