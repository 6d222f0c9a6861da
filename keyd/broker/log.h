/*
 * The broker's log: lines on stderr, each with its priority in front as
 * sd-daemon(3) has it ("<3>"), but not on a terminal.
 */
#ifndef KEYD_BROKER_LOG_H
#define KEYD_BROKER_LOG_H

#include <syslog.h>

/* Until this is called everything is written, with prefix. */
void log_init(void);

/* Lines of lower priority (a higher number) than level are dropped. */
void log_level(int level);

/*
 * Writes one line, at most 2,000 bytes. Control characters in it are
 * replaced by '?', so that nothing can forge a line.
 */
__attribute__((format(printf, 2, 3))) void
log_line(int priority, const char *format, ...);

#endif
