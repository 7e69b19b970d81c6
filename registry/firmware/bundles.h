// SPDX-License-Identifier: Apache-2.0
// Bundles of campaigns as rows, for hub nodes: whichever publishes one puts it here, and the others fetch it. They come
// and go in the transactions of their campaigns (campaigns.h), so that none is missing and none is left.
#pragma once

#include "registry/operations/rows.h"

namespace latchkey::registry::firmware {

// What is there already stays: a bundle is named by what is in it.
Outcome<Nothing> put_bundle(store::Database& db, const Bytes& bundle, ByteView content);
// Those that no active campaign of any namespace has.
Outcome<Nothing> drop_unused_bundles(store::Database& db);

class BundleRows {
 public:
  // The rows outlive it.
  explicit BundleRows(RowKeeper& rows) : rows_(rows) {}

  // kNotFound. Whether it is whole is for the caller to see, who knows what its name means.
  Outcome<Bytes> read(const Bytes& bundle);
  Outcome<bool> has(const Bytes& bundle);
  // For a campaign that is there already; nothing, if it is not active any more.
  Outcome<Nothing> put(const Bytes& bundle, ByteView content);

 private:
  RowKeeper& rows_;
};

}  // namespace latchkey::registry::firmware
