# The simulation's runner: see tests/sim/tools/sim_run.c.
$(BUILD)/tests/sim-run: $(call objects,tests/sim/tools/sim_run.c \
                        $(filter-out tests/sim/main.c tests/sim/test_%, \
                        $(wildcard tests/sim/*.c)) $(LIB_sim)) \
                        $(foreach l,$(USES_sim),$(call lib,$(l)))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_sim)
