/* Loads at start and on SIGHUP: all or nothing. */
#ifndef KEYD_BROKER_RELOAD_H
#define KEYD_BROKER_RELOAD_H

#include "broker/broker.h"

/* Starts the first load, with the configuration that is there. If it fails,
 * keyd ends. */
void reload_first(struct broker *b);

/* SIGHUP: reads the configuration again and starts a load; while one is under
 * way, remembers to. What goes wrong changes nothing but the outcome told. */
void reload_begin(struct broker *b);

/* The load has something to read, or its time has come. */
void reload_step(struct broker *b);

#endif
