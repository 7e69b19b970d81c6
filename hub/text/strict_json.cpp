// SPDX-License-Identifier: Apache-2.0
#include "hub/text/strict_json.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

namespace latchkey::hub::text {
namespace {

using nlohmann::json;

constexpr std::size_t kDepthLimit = 16;
constexpr std::size_t kNameShown = 64;

// A first pass over the text that only looks at its shape.
class ShapeCheck : public json::json_sax_t {
 public:
  std::string problem;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (names_.back().insert(name).second) return true;
    return stop("the member '" + shown(name) + "' is given twice");
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return stop("not JSON (at byte " + std::to_string(position) + ")");
  }

 private:
  bool enter() {
    names_.emplace_back();
    return names_.size() <= kDepthLimit || stop("nested deeper than " + std::to_string(kDepthLimit));
  }
  bool leave() {
    names_.pop_back();
    return true;
  }
  bool stop(std::string why) {
    problem = std::move(why);
    return false;
  }
  std::vector<std::set<std::string>> names_;
};

}  // namespace

tl::expected<json, std::string> parse_strict(std::string_view text) {
  ShapeCheck shape;
  if (!json::sax_parse(text, &shape)) return tl::unexpected(std::move(shape.problem));
  return json::parse(text, nullptr, false);
}

std::string shown(const std::string& name) {
  return name.size() <= kNameShown ? name : name.substr(0, kNameShown) + "...";
}

}  // namespace latchkey::hub::text
