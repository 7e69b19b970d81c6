// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>

namespace latchkey::hub::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

namespace {

constexpr auto kConnectTimeout = std::chrono::seconds(30);
constexpr auto kAnswerTimeout = std::chrono::seconds(120);
constexpr std::uint64_t kAnswerMax = 1024 * 1024;
constexpr unsigned kHttp11 = 11;
constexpr std::string_view kScheme = "http://";

struct Place {
  std::string authority;
  std::string host;  // without the brackets of IPv6
  std::string port = "80";
  std::string path = "/";
};

Result<Place, Failure> parse_url(const std::string& url) {
  const auto bad = [&url] {
    return fail(Failure{kExitBadInput, "an address is http://HOST[:PORT][/PATH], not '" + url + "'"});
  };
  if (!url.starts_with(kScheme)) return bad();
  Place place;
  const auto slash = url.find('/', kScheme.size());
  place.authority = url.substr(kScheme.size(), slash == std::string::npos ? slash : slash - kScheme.size());
  if (slash != std::string::npos) place.path = url.substr(slash);
  const auto close = place.authority.find(']');
  const auto colon = place.authority.find(':', close == std::string::npos ? 0 : close);
  place.host = place.authority.substr(0, colon);
  if (colon != std::string::npos) place.port = place.authority.substr(colon + 1);
  if (place.host.starts_with('[') && place.host.ends_with(']'))
    place.host = place.host.substr(1, place.host.size() - 2);
  const bool number = !place.port.empty() && place.port.find_first_not_of("0123456789") == std::string::npos;
  const bool plain = url.find_first_of(" #@\r\n\t") == std::string::npos;
  if (place.host.empty() || !number || !plain) return bad();
  return place;
}

Result<Reply, Failure> talk(const Place& place, const HttpQuestion& question) {
  asio::io_context io{1};
  beast::basic_stream<Tcp> stream(io);
  beast::error_code error;
  Tcp::resolver resolver(io);
  const auto found = resolver.resolve(place.host, place.port, error);
  if (!error) {
    stream.expires_after(kConnectTimeout);
    stream.async_connect(found, [&error](beast::error_code result, const auto&...) { error = result; });
    io.run();
  }
  if (error) return fail(Failure{kExitTryAgain, "nobody answers at " + place.authority + ": " + error.message()});
  http::request<http::string_body> request(http::verb::post, place.path, kHttp11, question.body);
  request.set(http::field::host, place.authority);
  request.set(http::field::content_type, question.type);
  request.keep_alive(false);
  request.prepare_payload();
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kAnswerMax);
  stream.expires_after(kAnswerTimeout);
  http::async_write(stream, request, [](beast::error_code, std::size_t) {});  // a refusal can still be read
  http::async_read(stream, buffer, parser, [&error](beast::error_code result, std::size_t) { error = result; });
  io.restart();
  io.run();
  if (error) return fail(Failure{kExitTryAgain, "no answer from " + place.authority + ": " + error.message()});
  auto response = parser.release();
  return Reply{static_cast<int>(response.result_int()), std::move(response.body())};
}

}  // namespace

Result<Reply, Failure> post_http(const HttpQuestion& question) {
  LATCHKEY_TRY(place, parse_url(question.url));
  try {
    return talk(place, question);
  } catch (const std::exception& error) {
    return fail(Failure{kExitOurFault, std::string("the request failed: ") + error.what()});
  }
}

}  // namespace latchkey::hub::cli
