// SPDX-License-Identifier: Apache-2.0
#include "platform/cortex_m/ethernet.h"

#include <cstring>

namespace latchkey::cortex_m::ethernet {
namespace {

constexpr std::uint32_t kBase = 0x40200000;
constexpr std::uint32_t kRxData = 0x00, kTxData = 0x20, kRxStatus = 0x40, kTxStatus = 0x48;
constexpr std::uint32_t kByteTest = 0x64, kTxConfiguration = 0x70, kHardware = 0x74;
constexpr std::uint32_t kRxControl = 0x78, kRxUsed = 0x7C, kTxFree = 0x80, kMacCommand = 0xA4, kMacData = 0xA8;

constexpr std::uint32_t kByteTestValue = 0x87654321;
constexpr std::uint32_t kSoftReset = 1;
constexpr std::uint32_t kTxFifo5Kb = 0x00050000;
constexpr std::uint32_t kStoreAndForward = 1U << 20;
constexpr std::uint32_t kTxOn = 2;
constexpr std::uint32_t kMacBusy = 0x80000000;
constexpr std::uint32_t kMacControl = 1, kMacAddressHigh = 2, kMacAddressLow = 3;
constexpr std::uint32_t kMacFullDuplex = 1U << 20, kMacTx = 8, kMacRx = 4;
constexpr std::uint32_t kRxError = 1U << 15;
constexpr std::size_t kCheckSum = 4;

volatile std::uint32_t& reg(std::uint32_t at) { return *reinterpret_cast<volatile std::uint32_t*>(kBase + at); }

// A register that is read for the effect of reading it.
void drop(std::uint32_t) {}

void write_mac(std::uint32_t index, std::uint32_t value) {
  while ((reg(kMacCommand) & kMacBusy) != 0) {
  }
  reg(kMacData) = value;
  reg(kMacCommand) = kMacBusy | index;
  while ((reg(kMacCommand) & kMacBusy) != 0) {
  }
}

}  // namespace

bool start(const std::array<std::uint8_t, 6>& address) {
  if (reg(kByteTest) != kByteTestValue) return false;
  reg(kHardware) = kSoftReset;
  while ((reg(kHardware) & kSoftReset) != 0) {
  }
  reg(kHardware) = kTxFifo5Kb | kStoreAndForward;
  std::uint32_t low = 0;
  std::memcpy(&low, address.data(), sizeof low);
  write_mac(kMacAddressLow, low);
  write_mac(kMacAddressHigh, static_cast<std::uint32_t>(address[4] | address[5] << 8));
  reg(kTxConfiguration) = kTxOn;
  write_mac(kMacControl, kMacFullDuplex | kMacTx | kMacRx);
  return true;
}

bool send(ByteView frame) {
  constexpr std::uint32_t kFirst = 1U << 13, kLast = 1U << 12;
  constexpr std::size_t kCommands = 8;
  while ((reg(kTxFree) >> 16 & 0xFF) != 0) drop(reg(kTxStatus));
  if ((reg(kTxFree) & 0xFFFF) < frame.size() + kCommands + 4) return false;
  reg(kTxData) = kFirst | kLast | frame.size();
  reg(kTxData) = static_cast<std::uint32_t>(frame.size() << 16 | frame.size());
  for (std::size_t at = 0; at < frame.size(); at += 4) {
    std::uint32_t word = 0;
    const ByteView piece = frame.subview(at, 4);
    std::memcpy(&word, piece.data(), piece.size());
    reg(kTxData) = word;
  }
  return true;
}

std::size_t receive(MutableBytes out) {
  constexpr std::uint32_t kDiscard = 1U << 31;
  if ((reg(kRxUsed) >> 16 & 0xFF) == 0) return 0;
  const std::uint32_t status = reg(kRxStatus);
  const std::size_t size = status >> 16 & 0x3FFF;
  if ((status & kRxError) != 0 || size < kCheckSum || size - kCheckSum > out.size()) {
    reg(kRxControl) = kDiscard;
    while ((reg(kRxControl) & kDiscard) != 0) {
    }
    return 0;
  }
  for (std::size_t at = 0; at < size; at += 4) {
    const std::uint32_t word = reg(kRxData);
    const MutableBytes piece = out.subview(at, 4);
    std::memcpy(piece.data(), &word, piece.size());
  }
  return size - kCheckSum;
}

}  // namespace latchkey::cortex_m::ethernet
