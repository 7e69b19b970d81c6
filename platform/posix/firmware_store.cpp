// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/firmware_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "platform/files/folder.h"

namespace latchkey::posix {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr const char* kLockName = ".lock";
constexpr const char* kBootName = "boot";
constexpr const char* kSlotNames[] = {"slot-a.img", "slot-b.img"};
constexpr const char* kRecordNames[] = {"state-0", "state-1", "pins-0", "pins-1", "revocations-0", "revocations-1"};
constexpr std::size_t kChoiceSize = 3;  // chosen, trial, state

// A folder that went away is a failure of the medium: kNotFound is for records.
Status without_folder(Status status) { return status == Status::kNotFound ? Status::kStorageFailed : status; }

bool is_private(int directory) {
  struct stat found;
  return fstat(directory, &found) == 0 && found.st_uid == geteuid() && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

char letter_of(ports::FirmwareSlot slot) { return slot == ports::FirmwareSlot::kA ? 'a' : 'b'; }
ports::FirmwareSlot slot_of(char letter) { return letter == 'b' ? ports::FirmwareSlot::kB : ports::FirmwareSlot::kA; }

// All of it at that place, or a failure.
template <class Call, class Data>
Result<void> transfer(Call call, int file, Data* data, std::size_t size, off_t at) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t count = call(file, data + done, size - done, at + static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(count < 0 ? without_folder(files::status_of(errno)) : Status::kStorageFailed);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

off_t place_of(std::uint32_t block) {
  return static_cast<off_t>(block) * static_cast<off_t>(ports::FirmwareStore::kBlockSize);
}

}  // namespace

Result<std::unique_ptr<PosixFirmwareStore>> PosixFirmwareStore::open(const std::string& directory,
                                                                     std::uint64_t slot_size) {
  if (slot_size == 0 || slot_size % kBlockSize != 0) return fail(Status::kInvalidArgument);
  if (mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return fail(without_folder(files::status_of(errno)));
  }
  files::Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail(errno == ENOTDIR || errno == EACCES ? Status::kRefused : Status::kStorageFailed);
  if (!is_private(folder.get())) return fail(Status::kRefused);
  files::Descriptor lock(
      openat(folder.get(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, files::kSecretFile));
  if (!lock) return fail(without_folder(files::status_of(errno)));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(errno == EWOULDBLOCK ? Status::kBusy : Status::kStorageFailed);
  }
  std::unique_ptr<PosixFirmwareStore> store(
      new PosixFirmwareStore(directory, slot_size, std::move(folder), std::move(lock)));
  LATCHKEY_TRY_VOID(store->open_slots());
  LATCHKEY_TRY_VOID(store->start());
  return store;
}

Result<void> PosixFirmwareStore::open_slots() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    slots_[i] = files::Descriptor(
        openat(folder_.get(), kSlotNames[i], O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, files::kSecretFile));
    struct stat found;
    if (!slots_[i] || fstat(slots_[i].get(), &found) != 0) return fail(without_folder(files::status_of(errno)));
    if (found.st_size == 0) {
      if (ftruncate(slots_[i].get(), static_cast<off_t>(slot_size_)) != 0) {
        return fail(without_folder(files::status_of(errno)));
      }
    } else if (found.st_size != static_cast<off_t>(slot_size_)) {
      return fail(Status::kMismatch);
    }
  }
  return files::sync_folder(folder_.get());
}

// The boot loader: a planned slot is run now; one that was run and not confirmed is no more.
Result<void> PosixFirmwareStore::start() {
  choice_ = read_choice();
  boot_ = {choice_.chosen, ports::FirmwareTrial::kNone};
  if (choice_.state == Choice::Trial::kNone) return {};
  Choice next = choice_;
  if (choice_.state == Choice::Trial::kPlanned) {
    next.state = Choice::Trial::kRunning;
    boot_ = {choice_.trial, ports::FirmwareTrial::kRunning};
  } else {
    next.state = Choice::Trial::kNone;
    boot_.trial = ports::FirmwareTrial::kFailed;
  }
  return write_choice(next);
}

PosixFirmwareStore::Choice PosixFirmwareStore::read_choice() {
  std::array<std::uint8_t, kChoiceSize> text{};
  const auto size = files::read_file_at(folder_.get(), kBootName, text);
  Choice choice;
  if (!size || *size != kChoiceSize) return choice;
  choice.chosen = slot_of(static_cast<char>(text[0]));
  choice.trial = slot_of(static_cast<char>(text[1]));
  if (text[2] == 'p') choice.state = Choice::Trial::kPlanned;
  if (text[2] == 'r') choice.state = Choice::Trial::kRunning;
  return choice;
}

Result<void> PosixFirmwareStore::write_choice(const Choice& choice) {
  const char text[kChoiceSize] = {letter_of(choice.chosen), letter_of(choice.trial), static_cast<char>(choice.state)};
  const auto written = files::replace_file_at(folder_.get(), kBootName, ByteView(std::string_view(text, kChoiceSize)));
  if (!written) return fail(without_folder(written.error()));
  choice_ = choice;
  return {};
}

Result<void> PosixFirmwareStore::check_range(std::uint32_t block, std::size_t size) const {
  if (size > kBlockSize || (std::uint64_t{block} + 1) * kBlockSize > slot_size_) return fail(Status::kTooLarge);
  return {};
}

Result<void> PosixFirmwareStore::write_block(ports::FirmwareSlot slot, std::uint32_t block, ByteView bytes) {
  if (slot == boot_.running) return fail(Status::kRefused);
  LATCHKEY_TRY_VOID(check_range(block, bytes.size()));
  const int file = slots_[static_cast<std::size_t>(slot)].get();
  LATCHKEY_TRY_VOID(transfer(::pwrite, file, bytes.data(), bytes.size(), place_of(block)));
  if (fdatasync(file) != 0) return fail(without_folder(files::status_of(errno)));
  return {};
}

Result<void> PosixFirmwareStore::read_block(ports::FirmwareSlot slot, std::uint32_t block, MutableBytes out) {
  LATCHKEY_TRY_VOID(check_range(block, out.size()));
  return transfer(::pread, slots_[static_cast<std::size_t>(slot)].get(), out.data(), out.size(), place_of(block));
}

Result<void> PosixFirmwareStore::try_next(ports::FirmwareSlot slot) {
  return write_choice({choice_.chosen, slot, Choice::Trial::kPlanned});
}

Result<void> PosixFirmwareStore::confirm() {
  LATCHKEY_TRY_VOID(write_choice({boot_.running, boot_.running, Choice::Trial::kNone}));
  boot_.trial = ports::FirmwareTrial::kNone;
  return {};
}

Result<std::size_t> PosixFirmwareStore::read_record(ports::FirmwareRecord record, MutableBytes out) {
  return files::read_file_at(folder_.get(), kRecordNames[static_cast<std::size_t>(record)], out);
}

Result<void> PosixFirmwareStore::write_record(ports::FirmwareRecord record, ByteView bytes) {
  if (bytes.size() > kRecordMax) return fail(Status::kTooLarge);
  const auto written = files::replace_file_at(folder_.get(), kRecordNames[static_cast<std::size_t>(record)], bytes);
  if (!written) return fail(without_folder(written.error()));
  return {};
}

std::string PosixFirmwareStore::path(ports::FirmwareSlot slot) const {
  return directory_ + "/" + kSlotNames[static_cast<std::size_t>(slot)];
}

}  // namespace latchkey::posix
