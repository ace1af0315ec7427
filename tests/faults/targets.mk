# Faults of the system that daemons run on.

# Makes the nth call of a daemon on its files fail.
FAIL_CALLS = $(BUILD)/tests/fail_calls.so

$(FAIL_CALLS): tests/faults/preload/fail_calls.c \
               tests/faults/preload/fail_plan.h Makefile
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -I. $(WARN) $(CFLAGS) -fPIC -shared \
	    -o $@ $<

$(BUILD)/tests/faults: | $(FAIL_CALLS)
