// SPDX-License-Identifier: Apache-2.0
// esp-mqtt on the host, over libmosquitto and OpenSSL: a task of its own, events on that task with the client's lock
// held, pointers to certificates that are not copied and read at every attempt, texts that stay when none is given, an
// outbox that outlives a session, large messages in pieces, TLS 1.2. What esp-tls would say of a failure is what it
// says.
#pragma once

#include <mqtt_client.h>

#include <cstddef>

namespace latchkey::test::esp {

// Clients that exist.
std::size_t mqtt_clients();
// Publishes that went to a server a second time, from the outbox.
std::size_t mqtt_repeats();
// Every end is told twice from now on, as when a publish and the task find out both: again after the next wish to
// connect, before that attempt begins.
void mqtt_end_twice(bool on);
// The next start or reconnect comes to nothing, without a word, as when there is no memory for a transport.
void mqtt_die_silently(bool on);

}  // namespace latchkey::test::esp
