// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/history/writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "boards/fleet/history/text.h"
#include "platform/files/file.h"
#include "platform/files/folder.h"

namespace latchkey::boards::fleet::history {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;
constexpr TimeUs kFlushEvery = 1'000'000;

}  // namespace

std::filesystem::path file_of(const std::filesystem::path& folder, std::uint32_t worker) {
  std::string number = std::to_string(worker);
  if (number.size() < 3) number.insert(0, 3 - number.size(), '0');
  return folder / ("history-" + number + ".jsonl");
}

Result<Writer> Writer::create(const std::filesystem::path& file, const RunBegun& run) {
  files::Descriptor descriptor(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, files::kSecretFile));
  if (!descriptor) return fail(errno == EEXIST ? Status::kInvalidArgument : files::status_of(errno));
  Writer writer(std::move(descriptor));
  writer.write(0, run);
  writer.flush();
  if (writer.status() != Status::kOk) return fail(writer.status());
  return writer;
}

Writer::~Writer() { flush(); }

void Writer::write(TimeUs time, Device device, const Body& body) {
  if (status_ != Status::kOk) return;
  last_ = std::max(last_, time);
  append_line(buffer_, last_, device, body);
  if (buffer_.size() >= kBuffer || last_ - flushed_at_ >= kFlushEvery) flush();
}

void Writer::flush() {
  flushed_at_ = last_;
  std::string_view rest = buffer_;
  while (file_ && status_ == Status::kOk && !rest.empty()) {
    const auto wrote = ::write(file_.get(), rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      status_ = files::status_of(errno);
      break;
    }
    written_ += static_cast<std::uint64_t>(wrote);
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  buffer_.clear();
}

}  // namespace latchkey::boards::fleet::history
