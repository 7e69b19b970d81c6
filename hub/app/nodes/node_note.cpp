// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/node_note.h"

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "platform/files/file.h"

namespace latchkey::hub::app {
namespace {

constexpr std::size_t kNoteMax = 4 * 1024;

}  // namespace

std::string note_origin(const std::filesystem::path& note) {
  auto boot = files::read_text("/proc/sys/kernel/random/boot_id", 64);
  struct stat info {};
  if (!boot || boot->empty() || ::stat(note.parent_path().c_str(), &info) != 0) return {};
  while (boot->ends_with('\n')) boot->pop_back();
  return *boot + " " + std::to_string(info.st_dev) + " " + std::to_string(info.st_ino);
}

Uuid read_node_note(const std::filesystem::path& note) {
  const auto text = files::read_text(note, kNoteMax);
  const auto json = nlohmann::json::parse(text ? *text : "", nullptr, false);
  const auto member = [&json](const char* name) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto origin = note_origin(note);
  if (origin.empty() || member("origin") != origin) return {};
  return parse_uuid(member("incarnation")).value_or(Uuid{});
}

registry::Outcome<registry::Nothing> write_node_note(const std::filesystem::path& note, const Uuid& incarnation) {
  const auto text = to_text(incarnation);
  const nlohmann::json json{{"origin", note_origin(note)}, {"incarnation", std::string(view(text))}};
  if (files::replace_file(note, json.dump(2) + "\n")) return registry::Nothing{};
  return registry::refuse(registry::Reason::kStorage, note.string() + " cannot be written");
}

}  // namespace latchkey::hub::app
