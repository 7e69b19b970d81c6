// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/keys_option.h"

#include "hub/ca/pkcs11_uri.h"

namespace latchkey::hub::app {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::string_view kSealed = "sealed:";
constexpr std::string_view kPkcs11 = "pkcs11:";

Outcome<std::vector<std::filesystem::path>> files_in(std::string_view text) {
  std::vector<std::filesystem::path> files;
  while (true) {
    const auto comma = text.find(',');
    const auto name = text.substr(0, comma);
    if (name.empty()) return refuse(Reason::kInvalidArgument, "--keys sealed: wants FILE, or NEW,OLD");
    files.push_back(std::filesystem::absolute(name));
    if (comma == std::string_view::npos) return files;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

Outcome<KeysOption> parse_keys(const std::string& text, const std::string& folder) {
  KeysOption option;
  if (!folder.empty() && !text.starts_with(kSealed)) {
    return refuse(Reason::kInvalidArgument, "--keys-folder is for --keys sealed:FILE alone");
  }
  if (text == "files") return option;
  if (text.starts_with(kSealed)) {
    option.kind = KeysOption::Kind::kSealed;
    LATCHKEY_TRY(files, files_in(std::string_view(text).substr(kSealed.size())));
    option.node_keys = std::move(files);
    if (!folder.empty()) option.folder = std::filesystem::absolute(folder);
    return option;
  }
  if (text.starts_with(kPkcs11)) {
    option.kind = KeysOption::Kind::kPkcs11;
    LATCHKEY_TRY_VOID(ca::parse_pkcs11_uri(text));  // for its refusals
    option.token = text;
    return option;
  }
  return refuse(Reason::kInvalidArgument, "--keys is files, sealed:FILE or pkcs11:URI");
}

}  // namespace latchkey::hub::app
