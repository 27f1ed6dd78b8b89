// SPDX-License-Identifier: MIT
/*
 * The service manager: it is told by datagram when the helper serves.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "receiptd.h"

static int sock = -1;
static int watchdog_ms = -1;

static bool address(const char *path, struct sockaddr_un *addr, socklen_t *len)
{
	size_t n = path ? strlen(path) : 0;

	if (n < 2 || n >= sizeof(addr->sun_path) || (path[0] != '/' && path[0] != '@'))
		return false;
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, path, n);
	if (path[0] == '@')
		addr->sun_path[0] = '\0';
	*len = offsetof(struct sockaddr_un, sun_path) + n;
	return true;
}

static void read_watchdog(void)
{
	const char *pid = getenv("WATCHDOG_PID"), *usec = getenv("WATCHDOG_USEC");

	if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
		return;
	watchdog_ms = strtoll(usec, NULL, 10) / 2000;
	if (watchdog_ms < 1)
		watchdog_ms = -1;
}

/**
 * notify_open() - connect to the service manager, when there is one
 */
void notify_open(void)
{
	struct sockaddr_un addr;
	socklen_t len;

	if (!address(getenv("NOTIFY_SOCKET"), &addr, &len))
		return;
	read_watchdog();
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock >= 0 && connect(sock, (struct sockaddr *)&addr, len)) {
		close(sock);
		sock = -1;
	}
}

/**
 * notify_send() - tell the service manager something; never waits
 * @state: as in "READY=1"
 */
void notify_send(const char *state)
{
	if (sock >= 0)
		(void)!send(sock, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/**
 * notify_watchdog_ms() - how often the service manager wants a sign of life
 *
 * Return: milliseconds, -1 when it wants none.
 */
int notify_watchdog_ms(void)
{
	return sock >= 0 ? watchdog_ms : -1;
}
