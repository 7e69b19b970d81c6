// SPDX-License-Identifier: Apache-2.0
// What the gate needs from the broker it lives in. The plugin's edge implements it over the broker's API, tests over a
// recorder. All calls happen in the broker's one thread, from inside a callback.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/base/bytes.h"
#include "platform/base/ids.h"

namespace latchkey::hub::gate {

// The broker's object for a connection. Only ever compared: it may be freed as soon as its disconnect event is over.
using ClientHandle = const void*;

enum class LogLevel : std::uint8_t { kNotice, kWarning, kError };
enum class Will : std::uint8_t { kDropped, kSent };

class Host {
 public:
  virtual ~Host() = default;

  // Queues a message to whoever holds `client_id` when the broker next comes to its queue: right behind the tick
  // event, before any other. Neither subscription nor access list is asked.
  virtual void publish(const std::string& client_id, const std::string& topic, ByteView payload, int qos) = 0;
  // Closes that client's connection. Its disconnect event, and behind it the access check of a will that is sent, come
  // before this returns. Never for the client whose event is being handled.
  virtual void kick(const std::string& client_id, Will will) = 0;
  // Ends a TLS connection that has sent no CONNECT; the broker notices and frees it later. False, and nothing done,
  // when bytes of it wait to be read: then the broker is late, not the client.
  virtual bool hang_up(const void* tls_connection) = 0;
  // Whether new TCP connections are taken; while they are not, they wait in the kernel's queue.
  virtual void take_new(bool take) = 0;
  virtual void log(LogLevel level, std::string_view text) = 0;

  virtual UnixMs real_now() = 0;
  virtual std::uint64_t boot_ms() = 0;  // does not stop in suspend (CLOCK_BOOTTIME)
};

}  // namespace latchkey::hub::gate
