/* Tells the service manager: sd_notify(3), without libsystemd. */
#ifndef KEYD_BROKER_NOTIFY_H
#define KEYD_BROKER_NOTIFY_H

/* Takes NOTIFY_SOCKET out of the environment and connects. 0, also when there
 * is none; -1 with errno. Call before the broker leaves its network namespace. */
__attribute__((warn_unused_result)) int notify_open(void);

/* Sends assignments such as "READY=1\nSTATUS=…". Nothing without a manager. */
__attribute__((format(printf, 1, 2))) void notify_send(const char *format, ...);

/* RELOADING=1 with the time that Type=notify-reload wants. */
void notify_reloading(void);

#endif
