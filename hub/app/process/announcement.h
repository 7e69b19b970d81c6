// SPDX-License-Identifier: Apache-2.0
// What a hub tells about itself once it serves: a greeting for the person at the terminal, and endpoints.json for
// programs and for the next start. No secrets in either; where the enrollment key lies is told, not the key.
#pragma once

#include <string>

#include "hub/app/base/data_folder.h"
#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/app/process/up_options.h"

namespace latchkey::hub::app {

struct Announcement {
  const UpOptions& options;  // with the addresses as they were chosen
  const DataFolder& folder;
  std::filesystem::path ca_file;  // what devices trust the brokers by
  HubEndpoints::List hubs;        // the first one among them
  std::string keys;               // where private keys lie, for people
};

// With commands to paste that connect a first device and take its trust away.
std::string greeting(const Announcement& about);

// Writes <data folder>/endpoints.json and the file that the options name, if any. kStorage.
registry::Outcome<registry::Nothing> write_endpoints(const Announcement& about);

// Port 0 becomes the port of the last run while a process of it holds that or nobody does, else a free one. Brokers
// with addresses of their own have those of the last run on the same terms; new ones are on the hub's host when it asks
// for port 0 or is not 127.x.y.z, else on the next such hosts that have its port free. kInvalidArgument: there are not
// so many.
registry::Outcome<Endpoints> choose_endpoints(const UpOptions& wanted, const DataFolder& folder);

}  // namespace latchkey::hub::app
