// SPDX-License-Identifier: Apache-2.0
// The API of a rehearsal, apart from management: clock, seed, reset, snapshots, faults (docs/rehearsal.md). Knows no
// socket; who may ask is decided before.
//
// Threads: any. Acts that replace the state as a whole have it to themselves.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "hub/rehearsal/acts.h"
#include "hub/rehearsal/clock.h"
#include "hub/rehearsal/faults.h"
#include "hub/rehearsal/seed.h"
#include "hub/rehearsal/snapshots.h"

namespace latchkey::hub::rehearsal {

struct AdminRequest {
  std::string method;
  std::string path;  // as sent: "/rehearsal/snapshots/before"
  std::string body;
  std::string actor;   // for the audit
  std::string source;  // from where
};
using AdminReply = PlaneReply;

// What begins with this belongs to the API.
inline constexpr std::string_view kAdminRoot = "/rehearsal";
bool is_admin_path(std::string_view path);

class Admin {
 public:
  // All outlive this object.
  struct Parts {
    registry::Registry& registry;
    Acts& acts;
    Clock& clock;
    Faults& faults;
    Snapshots& snapshots;
    std::function<UnixMs()> now;
    std::function<PlaneReply(const AdminRequest& who, const std::string& method, const std::string& path,
                             const std::string& body)>
        plane;
    // The fault document is another one now: keeps it over a restart, and lets those know who decide ahead.
    std::function<registry::Outcome<registry::Nothing>(const std::string& document)> faults_changed;
    // The state is another one now: returns when every gate has it and the sessions that it condemns are cut.
    std::function<registry::Outcome<registry::Nothing>(registry::Sequence sequence)> state_changed;
    // Begins anew, as a fresh data folder does; ends with state_changed's promise.
    std::function<registry::Outcome<registry::Nothing>(const registry::Call& call)> reset;
  };
  explicit Admin(Parts parts) : parts_(std::move(parts)) {}

  AdminReply handle(const AdminRequest& request);

 private:
  struct Route;
  using Handler = AdminReply (Admin::*)(const AdminRequest& request, const std::string& name);

  AdminReply show_all(const AdminRequest&, const std::string&);
  AdminReply show_clock(const AdminRequest&, const std::string&);
  AdminReply set_clock(const AdminRequest& request, const std::string&);
  AdminReply advance_clock(const AdminRequest& request, const std::string&);
  AdminReply show_faults(const AdminRequest&, const std::string&);
  AdminReply set_faults(const AdminRequest& request, const std::string&);
  AdminReply clear_faults(const AdminRequest& request, const std::string&);
  AdminReply seed(const AdminRequest& request, const std::string&);
  AdminReply reset(const AdminRequest& request, const std::string&);
  AdminReply list_snapshots(const AdminRequest&, const std::string&);
  AdminReply take_snapshot(const AdminRequest& request, const std::string& name);
  AdminReply remove_snapshot(const AdminRequest& request, const std::string& name);
  AdminReply restore_snapshot(const AdminRequest& request, const std::string& name);

  registry::Call call(const AdminRequest& request) const;
  void audit(const AdminRequest& request, const char* action, const std::string& resource,
             const registry::Outcome<registry::Nothing>& outcome, const std::string& detail = {});
  // Reads a body that has no members.
  registry::Outcome<registry::Nothing> no_body(const AdminRequest& request) const;
  registry::Outcome<registry::Nothing> undo_seed(const AdminRequest& request, const Seeded& seeded);
  AdminReply seeded(const AdminRequest& request, const std::vector<SeedStep>& steps);

  static const std::vector<Route>& routes();
  Parts parts_;
};

}  // namespace latchkey::hub::rehearsal
