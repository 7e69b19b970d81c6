// SPDX-License-Identifier: Apache-2.0
// A wire that leads to one place: QEMU makes the serial line a TCP connection (`-serial tcp:ADDRESS:PORT`). It is there
// from power-on and is opened once a start; that the other end has closed cannot be seen on it.
#pragma once

#include "platform/riscv/uart.h"
#include "platform/tls/byte_stream.h"

namespace latchkey::riscv {

class SerialStream final : public tls::ByteStream {
 public:
  // Where it leads; `host` outlives the stream.
  SerialStream(std::string_view host, std::uint16_t port) : host_(host), port_(port) {}

  bool open(std::string_view host, std::uint16_t port) override {
    const bool leads_there = host == host_ && port == port_ && !used_;
    used_ = used_ || leads_there;
    condition_ = leads_there ? Condition::kOpen : Condition::kClosed;
    return leads_there;
  }
  Condition condition() const override { return condition_; }
  std::size_t send(ByteView bytes) override { return condition_ == Condition::kOpen ? uart::send(bytes) : 0; }
  std::size_t receive(MutableBytes out) override { return condition_ == Condition::kOpen ? uart::receive(out) : 0; }
  void close() override { condition_ = Condition::kClosed; }

 private:
  const std::string_view host_;
  const std::uint16_t port_;
  bool used_ = false;
  Condition condition_ = Condition::kClosed;
};

}  // namespace latchkey::riscv
