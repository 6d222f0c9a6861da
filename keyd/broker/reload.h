/* Loads at start and on SIGHUP: docs/PROTOCOL.md §10, "What a load changes". */
#ifndef KEYD_BROKER_RELOAD_H
#define KEYD_BROKER_RELOAD_H

#include "broker/broker.h"

/* Starts the first load, with the configuration that is there. Keys that have
 * faults are left out; if it fails, or none is left, keyd ends. */
void reload_first(struct broker *b);

/* SIGHUP: reads the configuration again and starts a load; while one is under
 * way, remembers to. What goes wrong changes nothing but the outcome told. */
void reload_begin(struct broker *b);

/* Tells the service manager how the last load ended: READY=1. */
void reload_notify(const struct broker *b);

/* The load has something to read, or its time has come. */
void reload_step(struct broker *b);

#endif
