// SPDX-License-Identifier: Apache-2.0
#include "platform/riscv/uart.h"

namespace latchkey::riscv::uart {
namespace {

constexpr std::uintptr_t kBase = 0x10000000;
constexpr unsigned kData = 0, kInterrupts = 1, kFifo = 2, kLine = 5;
constexpr std::uint8_t kFifoOnAndEmpty = 7;
constexpr std::uint8_t kReceived = 1, kMaySend = 0x20;

volatile std::uint8_t& reg(unsigned at) { return *reinterpret_cast<volatile std::uint8_t*>(kBase + at); }

}  // namespace

void start() {
  reg(kInterrupts) = 0;
  reg(kFifo) = kFifoOnAndEmpty;
}

std::size_t send(ByteView bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size() && (reg(kLine) & kMaySend) != 0) reg(kData) = bytes[sent++];
  return sent;
}

std::size_t receive(MutableBytes out) {
  std::size_t received = 0;
  while (received < out.size() && (reg(kLine) & kReceived) != 0) out[received++] = reg(kData);
  return received;
}

}  // namespace latchkey::riscv::uart
