// SPDX-License-Identifier: Apache-2.0
// One TCP connection at a time, polled: what a board's network offers to TlsLink. No call waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::tls {

class ByteStream {
 public:
  enum class Condition : std::uint8_t { kOpening, kOpen, kClosed };

  virtual ~ByteStream() = default;
  // Begins to connect; an earlier connection is dropped. False: nothing began (no network, no such
  // address), and the condition is kClosed.
  virtual bool open(std::string_view host, std::uint16_t port) = 0;
  // kClosed once the peer has closed or the connection failed; bytes that came before may still be received.
  virtual Condition condition() const = 0;
  // How many bytes were taken; 0: none now.
  virtual std::size_t send(ByteView bytes) = 0;
  virtual std::size_t receive(MutableBytes out) = 0;
  // Sends what was taken, then ends; afterwards kClosed. Harmless without a connection.
  virtual void close() = 0;
};

}  // namespace latchkey::tls
