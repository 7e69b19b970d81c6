// SPDX-License-Identifier: Apache-2.0
// Topics of firmware updates on a device's session with its hub (docs/firmware-update.md), as gate and hub process
// write and read them. Pure functions.
//
//   $iothub/latchkey/firmware/#                          the one filter that a device subscribes to
//   $iothub/latchkey/firmware/report                     from the device
//   $iothub/latchkey/firmware/GET/?$rid=R&id=..&at=..&length=..   from the device: a piece of a bundle
//   $iothub/latchkey/firmware/res/{status}/?$rid=R[&retry-after=S]   its answer
//   $iothub/latchkey/firmware/{offer, withdraw, statement}   to the device
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace latchkey::hub::wire {

inline constexpr std::string_view kFirmwareFilter = "$iothub/latchkey/firmware/#";
inline constexpr std::string_view kFirmwareReport = "$iothub/latchkey/firmware/report";
inline constexpr std::string_view kFirmwareOffer = "$iothub/latchkey/firmware/offer";
inline constexpr std::string_view kFirmwareWithdraw = "$iothub/latchkey/firmware/withdraw";
inline constexpr std::string_view kFirmwareStatement = "$iothub/latchkey/firmware/statement";

// What stands behind the '?' of a request for a piece; nothing for another topic.
std::optional<std::string_view> piece_query(std::string_view topic);
// `retry_after_s`: seconds; 0: not said.
std::string piece_answer_topic(int status, std::string_view request_id, std::uint32_t retry_after_s = 0);
bool is_piece_answer(std::string_view topic);

}  // namespace latchkey::hub::wire
