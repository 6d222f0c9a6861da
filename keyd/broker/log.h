/*
 * The broker's log: lines on stderr, each with its priority in front as
 * sd-daemon(3) has it ("<3>"), but not on a terminal.
 */
#ifndef KEYD_BROKER_LOG_H
#define KEYD_BROKER_LOG_H

#include <syslog.h>

/* Until this is called everything is written, with prefix. Whoever reads the
 * log may go: SIGPIPE is ignored from here on. */
void log_init(void);

/*
 * From now on a line that nobody takes (a full pipe, a stopped terminal) is
 * counted, and told with the next that can be written, instead of waited for:
 * clients are served whether or not someone reads the log. Opens a descriptor.
 */
void log_never_wait(void);

/* Lines of lower priority (a higher number) than level are dropped. */
void log_level(int level);

/*
 * Writes one line, at most 2,000 bytes. Control characters in it are
 * replaced by '?', so that nothing can forge a line.
 */
__attribute__((format(printf, 2, 3))) void
log_line(int priority, const char *format, ...);

#endif
