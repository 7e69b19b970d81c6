// SPDX-License-Identifier: Apache-2.0
// What devices and DPS hand each other in a forecast, at next to no cost: one key for all devices, and certificates
// that differ in name and serial number alone, whose signature nobody made and nobody checks. What real ones cost is
// the calibration's business. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/key_maker.h"
#include "platform/base/ids.h"

namespace latchkey::boards::fleet::forecast {

class Papers final : public agent::KeyMaker {
 public:
  // Certificates are good from five minutes before `now` on, for `days`. Nothing when the crypto library cannot.
  static std::optional<Papers> create(UnixMs now, int days);

  // All names have that many characters: "device-0000041".
  static std::string name_of(std::uint32_t device);

  Result<void> make(crypto::Curve curve, std::string_view common_name, agent::MadeKey& out) override;
  // The body of DPS's answer: assigned, with a certificate for that device. Valid until the next call.
  std::string_view assigned(std::uint32_t device, std::string_view hub);

 private:
  Papers() = default;

  std::vector<std::uint8_t> key_;
  std::vector<std::uint8_t> csr_;
  std::vector<std::uint8_t> certificate_;  // the last one; written over
  std::size_t name_at_ = 0;
  std::size_t serial_at_ = 0;
  std::uint64_t serial_ = 0;
  std::string base64_;
  std::string body_;
};

}  // namespace latchkey::boards::fleet::forecast
