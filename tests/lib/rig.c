#include "tests/lib/rig.h"

#include "base/banned.h"

#include <signal.h>

void rig_start(struct rig *rig, const char *const options[])
{
    site_make(&rig->site);
    daemon_start(&rig->daemon, &rig->site, options);
    client_open(&rig->client, &rig->daemon);
}

void rig_restart(struct rig *rig, int signal, const char *const options[])
{
    if (signal == SIGKILL) {
        daemon_kill(&rig->daemon);
    } else {
        daemon_stop(&rig->daemon);
    }
    client_close(&rig->client);
    daemon_start(&rig->daemon, &rig->site, options);
    client_open(&rig->client, &rig->daemon);
}

void rig_stop(struct rig *rig)
{
    client_close(&rig->client);
    daemon_stop(&rig->daemon);
    site_remove(&rig->site);
}
