#include "cel/internal/time_zone.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/strings.h"

namespace pinnace::cel::internal {
namespace {

constexpr std::size_t kMaxZones = 1024;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr std::int64_t kDay = 86400;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// When clocks change, by a POSIX rule: "M3.2.0/2" is the second Sunday of March at two.
struct Change {
  char form = 0;  // 'M', 'J' (day 1 to 365, no leap day) or '0' (day 0 to 365)
  int month = 0, week = 0, day = 0;
  std::int64_t second = 2 * 3600;

  // In the local time that holds before it, as seconds since 1970.
  std::int64_t in_year(int year) const {
    namespace ch = std::chrono;
    const ch::sys_days first = ch::year(year) / ch::January / 1;
    ch::sys_days at = first;
    if (form == 'M') {
      const auto name = ch::year(year) / ch::month(static_cast<unsigned>(month));
      const ch::weekday weekday(static_cast<unsigned>(day));
      at = week == 5 ? ch::sys_days(name / weekday[ch::last])
                     : ch::sys_days(name / weekday[static_cast<unsigned>(week)]);
    } else if (form == 'J') {
      const bool after_leap_day = ch::year(year).is_leap() && day > 59;
      at = first + ch::days(day - 1 + (after_leap_day ? 1 : 0));
    } else {
      at = first + ch::days(day);
    }
    return at.time_since_epoch().count() * kDay + second;
  }
};

// "EST5EDT,M3.2.0,M11.1.0": what holds behind the last transition of a file.
struct Rule {
  std::int64_t standard = 0, daylight = 0;
  bool has_daylight = false;
  Change start, end;

  std::int64_t offset(std::int64_t utc) const {
    if (!has_daylight) return standard;
    namespace ch = std::chrono;
    const ch::year_month_day date(
        ch::floor<ch::days>(ch::sys_seconds(ch::seconds(utc + standard))));
    const int year = static_cast<int>(date.year());
    const std::int64_t from = start.in_year(year) - standard;
    const std::int64_t to = end.in_year(year) - daylight;
    const bool inside = from < to ? utc >= from && utc < to : utc >= from || utc < to;
    return inside ? daylight : standard;
  }
};

class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : rest_(text) {}

  std::optional<Rule> parse() {
    Rule rule;
    name();
    rule.standard = -time();
    if (ok_ && !rest_.empty()) {
      rule.has_daylight = true;
      name();
      rule.daylight = rest_.starts_with(',') ? rule.standard + 3600 : -time();
      rule.start = change();
      rule.end = change();
    }
    if (!ok_ || !rest_.empty()) return std::nullopt;
    return rule;
  }

 private:
  void name() {
    const bool quoted = rest_.starts_with('<');
    std::size_t length = 0;
    if (quoted) {
      length = rest_.find('>') + 1;  // 0 when there is none
    } else {
      while (length < rest_.size() && !is_digit(rest_[length]) &&
             std::string_view("+-,").find(rest_[length]) == std::string_view::npos) {
        ++length;
      }
    }
    ok_ = ok_ && length > 0;
    rest_.remove_prefix(length);
  }
  int number() {
    int value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    ok_ = ok_ && error == std::errc() && value >= 0 && value < 1000;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::int64_t time() {
    const bool negative = take('-');
    if (!negative) take('+');
    std::int64_t seconds = number() * 3600;
    if (take(':')) seconds += number() * 60;
    if (take(':')) seconds += number();
    return negative ? -seconds : seconds;
  }
  Change change() {
    Change result;
    ok_ = ok_ && take(',');
    result.form = take('M') ? 'M' : take('J') ? 'J' : '0';
    if (result.form == 'M') {
      result.month = number();
      ok_ = ok_ && take('.');
      result.week = number();
      ok_ = ok_ && take('.');
      ok_ = ok_ && result.month >= 1 && result.month <= 12 && result.week >= 1 && result.week <= 5;
    }
    result.day = number();
    ok_ = ok_ && result.day <= (result.form == 'M' ? 6 : 366);
    if (take('/')) result.second = time();
    return result;
  }

  std::string_view rest_;
  bool ok_ = true;
};

struct Zone {
  std::vector<std::int64_t> transitions;  // In order.
  std::vector<std::int64_t> offsets;      // From each on.
  std::int64_t first_offset = 0;          // Before all of them.
  std::optional<Rule> rule;

  std::int64_t offset(std::int64_t utc) const {
    if ((transitions.empty() || utc >= transitions.back()) && rule) return rule->offset(utc);
    const auto after = std::ranges::upper_bound(transitions, utc);
    if (after == transitions.begin()) return first_offset;
    return offsets[static_cast<std::size_t>(after - transitions.begin()) - 1];
  }
};

// Reads big-endian numbers of a TZif file; reading past its end fails it.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::int64_t number(std::size_t width) {
    if (bytes_.size() < width) {
      ok_ = false;
      return 0;
    }
    std::uint64_t value = width > 0 && (bytes_[0] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < width; ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes_[i]);
    }
    bytes_.remove_prefix(width);
    return static_cast<std::int64_t>(value);
  }
  void skip(std::size_t count) {
    ok_ = ok_ && count <= bytes_.size();
    bytes_.remove_prefix(std::min(count, bytes_.size()));
  }
  bool ok() const { return ok_; }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

struct Header {
  std::size_t utc_flags, standard_flags, leaps, transitions, types, characters;

  std::size_t body_bytes(std::size_t time_bytes) const {
    return transitions * (time_bytes + 1) + types * 6 + characters + leaps * (time_bytes + 4) +
           standard_flags + utc_flags;
  }
};

std::optional<Header> read_header(Reader& reader) {
  if (!reader.rest().starts_with("TZif")) return std::nullopt;
  reader.skip(20);
  std::array<std::size_t, 6> counts{};
  for (std::size_t& count : counts) {
    count = static_cast<std::size_t>(reader.number(4));
    if (count > kMaxFileBytes) return std::nullopt;
  }
  if (!reader.ok()) return std::nullopt;
  return Header{counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
}

// The second part of a file of version 2 or later, with 64-bit times and the rule.
std::optional<Zone> parse_zone(std::string_view bytes) {
  Reader reader(bytes);
  const auto old = read_header(reader);
  if (!old) return std::nullopt;
  reader.skip(old->body_bytes(4));
  const auto header = read_header(reader);
  if (!header || header->types == 0) return std::nullopt;
  Zone zone;
  std::vector<std::size_t> type_of;
  for (std::size_t i = 0; i < header->transitions; ++i)
    zone.transitions.push_back(reader.number(8));
  for (std::size_t i = 0; i < header->transitions; ++i) {
    type_of.push_back(static_cast<unsigned char>(reader.number(1)));
  }
  std::vector<std::int64_t> type_offsets;
  for (std::size_t i = 0; i < header->types; ++i) {
    type_offsets.push_back(reader.number(4));
    reader.skip(2);
  }
  reader.skip(header->characters + header->leaps * 12 + header->standard_flags + header->utc_flags);
  if (!reader.ok() || !std::ranges::is_sorted(zone.transitions)) return std::nullopt;
  for (const std::size_t type : type_of) {
    if (type >= type_offsets.size()) return std::nullopt;
    zone.offsets.push_back(type_offsets[type]);
  }
  zone.first_offset = type_offsets[0];
  std::string_view footer = reader.rest();
  if (footer.size() > 2 && footer.front() == '\n' && footer.back() == '\n') {
    zone.rule = RuleParser(footer.substr(1, footer.size() - 2)).parse();
  }
  return zone;
}

bool is_zone_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.front() == '/' ||
      name.find("..") != std::string_view::npos) {
    return false;
  }
  return std::ranges::all_of(name, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("/_+-").find(c) != std::string_view::npos;
  });
}

std::shared_ptr<const Zone> load_zone(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const Zone>, std::less<>> zones;
  const std::lock_guard lock(mutex);
  if (const auto found = zones.find(name); found != zones.end()) return found->second;
  std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
  std::string bytes;
  bytes.resize(kMaxFileBytes);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  const auto zone = parse_zone(bytes);
  if (!zone) return nullptr;
  if (zones.size() >= kMaxZones) zones.clear();
  return zones.emplace(name, std::make_shared<Zone>(*zone)).first->second;
}

// "+01:00", "-05:30" or "01:00"; hours and minutes may be more than a clock shows.
std::optional<std::int64_t> fixed_offset(std::string_view text) {
  constexpr std::int64_t kMost = 1'000'000;
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto hours = parse_int(text.substr(0, colon));
  const auto minutes = parse_int(text.substr(colon + 1));
  if (!hours || !minutes || std::abs(*hours) > kMost || std::abs(*minutes) > kMost) {
    return std::nullopt;
  }
  return (*hours * 60 + (text.starts_with('-') ? -*minutes : *minutes)) * 60;
}

}  // namespace

std::optional<std::int64_t> zone_offset(std::string_view zone, std::int64_t utc_seconds) {
  if (zone.empty() || zone == "UTC" || zone == "Z") return 0;
  if (const auto fixed = fixed_offset(zone)) return fixed;
  if (!is_zone_name(zone)) return std::nullopt;
  const auto loaded = load_zone(zone);
  if (!loaded) return std::nullopt;
  return loaded->offset(utc_seconds);
}

}  // namespace pinnace::cel::internal
