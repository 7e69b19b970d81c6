// SPDX-License-Identifier: Apache-2.0
// How a firmware update reads: sentences for a log, and where it stands as JSON for programs; the same words on every
// board. Any thread; nothing allocates.
#pragma once

#include <string_view>

#include "agent/protocol/text.h"
#include "agent/update/session.h"

namespace latchkey::agent {

// Enough for what put_update_status writes.
inline constexpr std::size_t kMaxUpdateStatus = 768;

// 1.2.0
void put_version(TextWriter& out, Version version);
// The sentence for a report, without a line end. At most 128 characters.
void put_update(TextWriter& out, const UpdateReport& report);
// The same for a statement of the hub; `versions`: those that are held now.
void put_statement(TextWriter& out, const Result<StatementKind>& taken, const UpdateSummary& held);
// "idle", "fetching", "restarting", "trial": what the steps of an updater mean to whoever watches.
std::string_view stage_of(const UpdateSummary& summary);
// One object of JSON (RFC 8259), explained in boards/host/README.md.
void put_update_status(TextWriter& out, const UpdateSummary& summary);

}  // namespace latchkey::agent
