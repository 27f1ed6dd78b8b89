/* SPDX-License-Identifier: MIT */
/*
 * Tasks that are raced: on a CPU of our choice, and only when nobody else runs there,
 * so that they can be stopped anywhere.
 */
#ifndef IDLE_H
#define IDLE_H

#include <sched.h>

#include "probe.h"

static MAYBE_UNUSED void run_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		broken("CPU %d", cpu);
}

static MAYBE_UNUSED void run_idle_on(int cpu)
{
	const struct sched_param param = {};

	run_on(cpu);
	sched_setscheduler(0, SCHED_IDLE, &param);
}

#endif /* IDLE_H */
