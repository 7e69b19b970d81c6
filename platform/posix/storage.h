// SPDX-License-Identifier: Apache-2.0
// A device's records as files of one directory: slot-a.pem, slot-b.pem and pending-key.pem, each 0600.
//
// They are written as platform/files does it: after a power cut an item holds the old bytes or the new ones. The files
// are readable as they are (Paho takes certificates and keys as paths only): what a record writes into a slot has to be
// PEM with, if it likes, text in front.
//
// The directory belongs to one process at a time (flock on .lock). Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "platform/files/descriptor.h"
#include "platform/ports/storage.h"

namespace latchkey::posix {

class PosixStorage final : public ports::Storage {
 public:
  // Makes the directory (0700) if it is not there; its parent has to be. Removes what an interrupted write left.
  // kBusy: another process has it. kRefused: it is not a directory of this user's, or others may write to it.
  // kStorageFailed, kStorageFull: as they say.
  static Result<std::unique_ptr<PosixStorage>> open(const std::string& directory);

  Result<std::size_t> read(ports::Item item, MutableBytes out) override;
  Result<void> write(ports::Item item, ByteView bytes) override;
  Result<void> erase(ports::Item item) override;

  // Where the item is, or would be.
  std::string path(ports::Item item) const;

 private:
  PosixStorage(std::string directory, files::Descriptor folder, files::Descriptor lock)
      : directory_(std::move(directory)), folder_(std::move(folder)), lock_(std::move(lock)) {}

  const std::string directory_;
  const files::Descriptor folder_;
  const files::Descriptor lock_;  // closed, and with it the lock
};

}  // namespace latchkey::posix
