// SPDX-License-Identifier: Apache-2.0
// Campaigns, and how far devices have come with them (docs/firmware-campaigns.md). Threads: any; every change is
// durable when it is answered, acts are audited.
#pragma once

#include "registry/firmware/model.h"
#include "registry/operations/rows.h"

namespace latchkey::registry::firmware {

// What was published, as it was read from the bundle, and for whom: a policy or devices, not both.
struct NewCampaign {
  Bytes bundle;
  std::uint64_t size = 0;
  std::string board;
  std::string version;
  Bytes image;
  std::string policy;                // by name; empty: `devices`
  std::vector<std::string> devices;  // 1 to Campaign::kDevicesMax
  std::int64_t percent = 100;
  ByteView content = {};  // of the bundle, to be kept here for other nodes; empty: it is not
};

// An active campaign, as far as it matters who is reached.
struct Standing {
  std::string namespace_name;
  Bytes bundle;
  std::uint64_t number = 0;
  UnixMs created = 0;  // and number: one that was withdrawn and begun anew differs
  int percent = 0;
};

class CampaignRows {
 public:
  static constexpr std::size_t kActiveMax = 100;  // campaigns of a namespace at one time

  // The rows outlive it.
  explicit CampaignRows(RowKeeper& rows) : rows_(rows) {}

  // --- acts
  // A withdrawn one of the same bundle is begun anew, and what devices said of it is forgotten. kParentNotFound without
  // the namespace; kNotFound: no such policy or device; kInvalidArgument: target or percentage; kAlreadyExists: it is
  // active; kPreconditionFailed: too many are.
  Outcome<Campaign> publish(const Call& call, const std::string& ns, const NewCampaign& wanted);
  // Upwards alone, so that nobody who was reached ever is not: kInvalidArgument. kNotFound, kPreconditionFailed: it was
  // withdrawn.
  Outcome<Campaign> raise(const Call& call, const std::string& ns, const Bytes& bundle, std::int64_t percent);
  // kNotFound, kPreconditionFailed: it was before.
  Outcome<Campaign> withdraw(const Call& call, const std::string& ns, const Bytes& bundle);

  // --- what there is. kParentNotFound without the namespace.
  Outcome<std::vector<Campaign>> list(const std::string& ns);          // newest first
  Outcome<Campaign> find(const std::string& ns, const Bytes& bundle);  // kNotFound
  Outcome<std::vector<Campaign>> active(const Uuid& ns);               // newest first
  Outcome<std::optional<Campaign>> find(const Uuid& ns, const Bytes& bundle);
  // The newest campaign with that image, whatever became of it; 0: none.
  Outcome<std::uint64_t> number_of_image(const Uuid& ns, const Bytes& image);
  Outcome<std::vector<Standing>> standing();     // of all namespaces, oldest first
  Outcome<std::vector<Bytes>> bundles_in_use();  // by active campaigns of any namespace, each once

  // --- devices
  // What a device said of itself; and of that bundle, if its namespace has a campaign of it (empty: of none). Nobody's
  // act: not audited.
  Outcome<Nothing> note(const Device& device, const Report& report, const Bytes& bundle);
  Outcome<std::optional<Report>> last_of(const Uuid& device);
  Outcome<std::optional<Report>> last_of(const Uuid& device, const Campaign& campaign);
  // Withdrawn bundles that the device still fetches, or is about to run.
  Outcome<std::vector<Bytes>> withdrawn_under_way(const Uuid& device);
  // In the order of their ids, those after `after`.
  Outcome<std::vector<Progress>> progress(const Campaign& campaign, const std::string& after, std::size_t limit);
  // Reads every device that the campaign is for.
  Outcome<Tally> tally(const Campaign& campaign);

 private:
  RowKeeper& rows_;
};

}  // namespace latchkey::registry::firmware
