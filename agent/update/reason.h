// SPDX-License-Identifier: Apache-2.0
// Why a bundle may not be run, in one word; the same words as the host's verdict (docs/signing.md), and those that only
// a device has.
#pragma once

#include <cstdint>
#include <string_view>

namespace latchkey::agent {

// Numbers are in stored records: never renumber.
enum class Reason : std::uint8_t {
  kGood = 0,
  kUnreadable = 1,
  kContentChanged = 2,
  kSignatureWrong = 3,
  kWrongUsage = 4,
  kWrongProfile = 5,  // none of the durable EKUs that are pinned
  kUntrusted = 6,
  kRevocationUnknown = 7,  // no statement speaks of its issuer
  kOutsideValidity = 8,
  kRevoked = 9,
  kLifetimeOver = 10,
  // The device's own.
  kClockNotSet = 20,  // nothing can be said yet
  kWrongBoard = 21,
  kTooOld = 22,             // below the floor
  kMissingDependency = 23,  // another part of the device is too old, or not there
  kTooLarge = 24,           // for a slot
  kNotConfirmed = 25,       // ran on trial and was not confirmed: the boot loader went back
  kStorageFailed = 26,
};
std::string_view name_of(Reason reason);  // "contentChanged"

}  // namespace latchkey::agent
