// SPDX-License-Identifier: Apache-2.0
// TCP/IP by lwIP (NO_SYS, raw interface) over ethernet.h; an address by DHCP. Polled from the board's loop, no heap.
// Hosts are IPv4 addresses: there is no name service here. The loopback addresses of QEMU's host are reached like any
// other, through the gateway.
#pragma once

#include <lwip/tcp.h>

#include "platform/tls/byte_stream.h"

namespace latchkey::cortex_m {

class Network {
 public:
  // False without a controller. Once.
  bool start();
  bool has_address() const;
  // Takes in what came, runs lwIP's timers. True when a frame came.
  bool poll();
};

class LwipStream final : public tls::ByteStream {
 public:
  explicit LwipStream(const Network& network) : network_(network) {}
  ~LwipStream() override { drop(); }

  bool open(std::string_view host, std::uint16_t port) override;
  Condition condition() const override { return condition_; }
  std::size_t send(ByteView bytes) override;
  std::size_t receive(MutableBytes out) override;
  void close() override;

 private:
  static err_t on_connected(void* self, tcp_pcb* pcb, err_t code);
  static err_t on_received(void* self, tcp_pcb* pcb, pbuf* bytes, err_t code);
  static void on_error(void* self, err_t code);
  void drop();
  void forget();

  const Network& network_;
  tcp_pcb* pcb_ = nullptr;
  pbuf* waiting_ = nullptr;  // came, not yet received
  Condition condition_ = Condition::kClosed;
};

}  // namespace latchkey::cortex_m
