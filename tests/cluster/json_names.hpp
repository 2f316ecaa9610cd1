#pragma once
// The names in what a command prints as JSON.
#include <set>
#include <string>
#include <vector>

namespace troupe::test {

/// Each name with those it lies in: "actors.path" for [{"actors":[{"path":""}]}]. `json` is any number of values.
inline std::set<std::string> json_names(const std::string& json) {
  std::set<std::string> names;
  std::vector<std::string> within;  // of each bracket that is open: the names around it
  std::vector<char> brackets;
  std::string text, name;  // the latest text, and the latest that is a name
  for (std::size_t at = 0; at < json.size(); ++at) {
    switch (json[at]) {
      case '"': {
        const std::size_t from = ++at;
        while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
        text = json.substr(from, at - from);
        break;
      }
      case ':':
        name = within.empty() || within.back().empty() ? text : within.back() + '.' + text;
        names.insert(name);
        break;
      case '{':
      case '[':
        // A list has the name before it, and what lies in a list has the name of the list.
        within.push_back(within.empty() ? "" : brackets.back() == '[' ? within.back() : name);
        brackets.push_back(json[at]);
        break;
      case '}':
      case ']':
        if (!within.empty()) within.pop_back(), brackets.pop_back();
        break;
      default: break;
    }
  }
  return names;
}

/// Which of `wanted`, names between blanks, are not in it; empty if all are.
inline std::string lacking(const std::string& json, const std::string& wanted) {
  const std::set<std::string> names = json_names(json);
  std::string out;
  for (std::size_t from = 0; from < wanted.size();) {
    const std::size_t to = std::min(wanted.find(' ', from), wanted.size());
    if (const std::string one = wanted.substr(from, to - from); !names.contains(one)) out += ' ' + one;
    from = to + 1;
  }
  return out;
}

}  // namespace troupe::test
