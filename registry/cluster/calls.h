// SPDX-License-Identifier: Apache-2.0
// Rows of direct methods that a node asks of a device which is not connected to it: whoever has the device takes the
// row, asks, and writes the answer into it; whoever made the row removes it. Times in it are lengths, which each node
// counts by its own clock from when it first saw the row.
//
// Each act is one statement that is whole by itself: of a node that takes a row and its maker, who gives it up, one
// comes first.
//
// kStorage from each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/store/sql.h"

namespace latchkey::registry::cluster {

inline constexpr std::size_t kMostCalls = 256;  // of all nodes; whoever reads so many makes no more

struct DeviceCall {
  Uuid id;
  std::string caller;  // the node
  std::string namespace_name;
  std::string device;
  std::string method;
  std::string payload;          // JSON
  std::int64_t connect_ms = 0;  // how long the device may take to come
  std::int64_t response_ms = 0;
};

// A row without what is large.
struct CallState {
  Uuid id;
  std::string caller;
  std::string namespace_name;
  std::string device;
  std::int64_t connect_ms = 0;
  std::int64_t response_ms = 0;
  std::string absent;  // a line for each node that has found that the device is not there
  bool deaf = false;   // at one it was connected and did not listen
  std::string server;  // the node that asks the device; empty: none yet
  bool ended = false;
};

struct CallEnd {
  std::optional<Reason> refusal;  // none: the device has answered
  std::string text;               // its answer, or why there is none
};

// All that there are.
Outcome<std::vector<CallState>> list_calls(store::Database& database);
// Nothing happens when it is there already.
Outcome<Nothing> put_call(store::Database& database, const DeviceCall& call);

// Nothing: another node was faster, or it is gone.
Outcome<std::optional<DeviceCall>> take_call(store::Database& database, const Uuid& id, const std::string& server);
// The device is not at that node now; `deaf`: it is, but does not listen.
Outcome<Nothing> deny_call(store::Database& database, const Uuid& id, const std::string& node, bool deaf);
// By the node that took it.
Outcome<Nothing> end_call(store::Database& database, const Uuid& id, const std::string& server, const CallEnd& end);
Outcome<std::optional<CallEnd>> find_call_end(store::Database& database, const Uuid& id);

// False: a node has taken it.
Outcome<bool> give_call_up(store::Database& database, const Uuid& id);
Outcome<Nothing> remove_call(store::Database& database, const Uuid& id);

}  // namespace latchkey::registry::cluster
