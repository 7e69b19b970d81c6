// SPDX-License-Identifier: Apache-2.0
// The actions of firmware updates, which are ours: Azure has them at another service (Device Update). Pins decide whose
// firmware devices run, in every namespace.
#pragma once

#include "hub/management/internal/needs.h"

namespace latchkey::hub::management {

inline constexpr Needs kReadCampaign = control("Latchkey/firmwareCampaigns/read");
inline constexpr Needs kWriteCampaign = control("Latchkey/firmwareCampaigns/write");
inline constexpr Needs kWithdrawCampaign = control("Latchkey/firmwareCampaigns/withdraw/action");
inline constexpr Needs kReadStatements = control("Latchkey/firmwareStatements/read");
inline constexpr Needs kWritePins = control("Latchkey/firmwareStatements/pins/write");
inline constexpr Needs kReadStatementKey = control("Latchkey/firmwareStatements/key/read");

}  // namespace latchkey::hub::management
