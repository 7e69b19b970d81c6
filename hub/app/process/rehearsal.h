// SPDX-License-Identifier: Apache-2.0
// hub/rehearsal among the other rooms: which of them asks for faults, what a new state means for gates, lists and the
// hub's own files, and who may ask for all that. In a data folder that was made without --rehearsal it does nothing.
#pragma once

#include <functional>
#include <memory>

#include "hub/app/base/data_folder.h"
#include "hub/app/base/hub_clock.h"
#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/app/process/rehearsal_faults.h"
#include "hub/ca/key_provider.h"
#include "hub/rehearsal/listener.h"

namespace latchkey::hub::app {

class Rehearsal {
 public:
  // `folder` outlives this object.
  explicit Rehearsal(const DataFolder& folder);
  ~Rehearsal() { stop(); }

  // The clock document when `--clock` names none; empty: there is none.
  static std::string clock_file(const DataFolder& folder);

  // Of the rooms, from their start on; nullptr outside rehearsals.
  registry::Faults* store_faults() { return on_ ? &store_faults_ : nullptr; }
  provisioning::Faults* dps_faults() { return on_ ? &dps_faults_ : nullptr; }
  management::OperationPace* operation_faults() { return on_ ? &operation_faults_ : nullptr; }
  std::function<ca::Spoilt(const registry::CaCertificate&)> list_faults();

  // All outlive this object, or stop() is called before they go.
  struct Rooms {
    registry::Registry& registry;
    HubClock& clock;
    ca::KeyProvider& keys;
    ca::CrlPublisher& lists;
    HubEndpoints& hubs;
    hub::Enforcement& enforcement;
    management::Management& management;
    std::string clock_file;
    std::function<registry::Outcome<registry::Nothing>()> bootstrap;  // what a fresh folder starts with
    std::function<registry::Outcome<registry::Nothing>()> reconcile;  // serves the hubs that the registry has now
    rehearsal::Snapshots::Signing signing = {};
    std::filesystem::path key_files = {};  // where CA keys lie, a file each; empty: elsewhere, and no snapshot has them
  };
  registry::Outcome<registry::Nothing> open(Rooms rooms);
  // The admin listener; the address as it was chosen. kInvalidArgument, also outside rehearsals.
  registry::Outcome<Address> listen(const Address& address);

  // A request to management, or, from the owner of the data folder, to the rehearsal's own API.
  management::Response handle(const management::Request& request, const RequestFaults::Next& next);
  void stop();

 private:
  management::Response counted(const management::Request& request, const RequestFaults::Next& next);
  registry::Outcome<registry::Nothing> settle(const posix::RehearsalDocument& document);
  registry::Outcome<registry::Nothing> keep_faults(const std::string& document);
  registry::Outcome<registry::Nothing> load_faults();
  registry::Outcome<registry::Nothing> begin_anew(const registry::Call& call);
  registry::Outcome<registry::Nothing> take_over(registry::Sequence sequence);
  registry::Outcome<registry::Nothing> tell_addresses();
  rehearsal::PlaneReply ask(const rehearsal::AdminRequest& who, const std::string& method, const std::string& path,
                            const std::string& body);
  void resync(const Uuid& namespace_uuid);

  const DataFolder& folder_;
  const bool on_;
  rehearsal::Faults faults_;
  rehearsal::Acts acts_;
  HalfDone half_done_;
  StoreFaults store_faults_{faults_, half_done_};
  DpsFaults dps_faults_{faults_};
  OperationFaults operation_faults_{faults_, half_done_};
  RequestFaults request_faults_{faults_, half_done_};
  std::unique_ptr<Rooms> rooms_;
  std::unique_ptr<rehearsal::Clock> clock_;
  std::unique_ptr<rehearsal::Snapshots> snapshots_;
  std::unique_ptr<rehearsal::Admin> admin_;
  std::unique_ptr<rehearsal::Listener> listener_;
};

}  // namespace latchkey::hub::app
