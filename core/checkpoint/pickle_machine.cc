#include "core/checkpoint/pickle_machine.h"

#include <array>
#include <cstring>

#include "core/checkpoint/pickle_calls.h"

namespace distill::core {
namespace {

/// More values than any state_dict has; each takes some hundred bytes at most.
constexpr size_t kMaxValues = 2'000'000;
constexpr uint8_t kStopOpcode = '.';

Status CutShort() { return Status(Code::kDataLoss, "pickle is cut short"); }

}  // namespace

Status MalformedPickle(const std::string& what) {
  return Status(Code::kInvalidArgument, "pickle is malformed: " + what);
}

Result<PickleRef> ReadPickle(std::string_view bytes, PickleArena& arena, size_t& consumed) {
  PickleMachine machine(bytes, arena);
  DISTILL_ASSIGN_OR_RETURN(const PickleRef value, machine.Run());
  consumed = machine.position();
  return value;
}

Result<PickleRef> PickleMachine::Run() {
  while (true) {
    uint8_t code = 0;
    if (!reader_.Take(code)) return CutShort();
    if (code == kStopOpcode) break;
    const Handler handler = FindHandler(code);
    if (handler == nullptr) return MalformedPickle("unknown opcode " + std::to_string(code));
    DISTILL_RETURN_IF_ERROR((this->*handler)());
  }
  PickleValue* result = nullptr;
  DISTILL_RETURN_IF_ERROR(Pop(result));
  return PickleRef{result};
}

PickleMachine::Handler PickleMachine::FindHandler(uint8_t code) {
  using M = PickleMachine;
  static const std::array<Handler, 256> kTable = [] {
    constexpr Opcode kOpcodes[] = {
        {0x80, &M::SkipProtocol},
        {0x95, &M::SkipFrame},
        {'(', &M::PutMark},
        {'0', &M::DropTop},
        {'1', &M::DropToMark},
        {'2', &M::DuplicateTop},
        {'N', &M::PushNone},
        {0x88, &M::PushTrue},
        {0x89, &M::PushFalse},
        {'J', &M::PushInt32},
        {'M', &M::PushUint16},
        {'K', &M::PushUint8},
        {0x8a, &M::PushLong1},
        {0x8b, &M::PushLong4},
        {'G', &M::PushDouble},
        {'X', &M::PushText<uint32_t>},
        {0x8c, &M::PushText<uint8_t>},
        {0x8d, &M::PushText<uint64_t>},
        {'T', &M::PushText<uint32_t>},
        {'U', &M::PushText<uint8_t>},
        {'B', &M::PushText<uint32_t>},
        {'C', &M::PushText<uint8_t>},
        {0x8e, &M::PushText<uint64_t>},
        {'}', &M::PushEmptyDict},
        {']', &M::PushEmptySequence},
        {')', &M::PushEmptySequence},
        {0x8f, &M::PushEmptySequence},
        {'t', &M::PushTupleToMark},
        {'l', &M::PushTupleToMark},
        {0x91, &M::PushTupleToMark},
        {'d', &M::PushDictToMark},
        {0x85, &M::PushTuple<1>},
        {0x86, &M::PushTuple<2>},
        {0x87, &M::PushTuple<3>},
        {'a', &M::AppendOne},
        {'e', &M::AppendToMark},
        {0x90, &M::AppendToMark},
        {'s', &M::SetOneItem},
        {'u', &M::SetItemsToMark},
        {'h', &M::GetMemo<uint8_t>},
        {'j', &M::GetMemo<uint32_t>},
        {'q', &M::PutMemo<uint8_t>},
        {'r', &M::PutMemo<uint32_t>},
        {0x94, &M::MemoizeTop},
        {'c', &M::PushGlobal},
        {0x93, &M::PushStackGlobal},
        {'R', &M::CallFunction},
        {0x81, &M::MakeObject},
        {'b', &M::SetState},
        {'Q', &M::PushPersistent},
    };
    std::array<Handler, 256> table{};
    for (const Opcode& opcode : kOpcodes) table[opcode.code] = opcode.handler;
    return table;
  }();
  return kTable[code];
}

Status PickleMachine::Spend(size_t count) {
  spent_ += count;
  if (spent_ > kMaxValues) return MalformedPickle("it holds too many values");
  return Status::Ok();
}

template <typename Content>
Status PickleMachine::Push(Content content) {
  DISTILL_RETURN_IF_ERROR(Spend(1));
  PickleValue value;
  value.content = std::move(content);
  arena_.push_back(std::move(value));
  return PushRef(&arena_.back());
}

Status PickleMachine::PushRef(PickleValue* value) {
  stack_.push_back(value);
  return Status::Ok();
}

Status PickleMachine::Pop(PickleValue*& out) {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) return MalformedPickle("its stack runs empty");
  out = stack_.back();
  stack_.pop_back();
  return Status::Ok();
}

Status PickleMachine::PopToMark(std::vector<PickleValue*>& out) {
  if (marks_.empty()) return MalformedPickle("a mark is missing");
  out.assign(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return Status::Ok();
}

Status PickleMachine::SkipProtocol() {
  constexpr uint8_t kMinProtocol = 2;
  constexpr uint8_t kMaxProtocol = 5;
  uint8_t protocol = 0;
  if (!reader_.Take(protocol)) return CutShort();
  if (protocol < kMinProtocol || protocol > kMaxProtocol) {
    return MalformedPickle("protocol " + std::to_string(protocol) + " is not supported");
  }
  return Status::Ok();
}

Status PickleMachine::SkipFrame() {
  uint64_t frame_bytes = 0;
  if (!reader_.Take(frame_bytes)) return CutShort();
  return Status::Ok();
}

Status PickleMachine::PutMark() {
  marks_.push_back(stack_.size());
  return Status::Ok();
}

Status PickleMachine::DropTop() {
  if (!marks_.empty() && marks_.back() == stack_.size()) {
    marks_.pop_back();
    return Status::Ok();
  }
  PickleValue* dropped = nullptr;
  return Pop(dropped);
}

Status PickleMachine::DropToMark() {
  std::vector<PickleValue*> dropped;
  return PopToMark(dropped);
}

Status PickleMachine::DuplicateTop() {
  PickleValue* top = nullptr;
  DISTILL_RETURN_IF_ERROR(Pop(top));
  DISTILL_RETURN_IF_ERROR(PushRef(top));
  return PushRef(top);
}

Status PickleMachine::PushNone() { return Push(PickleNone{}); }
Status PickleMachine::PushTrue() { return Push(true); }
Status PickleMachine::PushFalse() { return Push(false); }

Status PickleMachine::PushInt32() {
  int32_t value = 0;
  return reader_.Take(value) ? Push(int64_t{value}) : CutShort();
}

Status PickleMachine::PushUint16() {
  uint16_t value = 0;
  return reader_.Take(value) ? Push(int64_t{value}) : CutShort();
}

Status PickleMachine::PushUint8() {
  uint8_t value = 0;
  return reader_.Take(value) ? Push(int64_t{value}) : CutShort();
}

Status PickleMachine::PushLong1() {
  uint8_t num_bytes = 0;
  return reader_.Take(num_bytes) ? PushLong(num_bytes) : CutShort();
}

Status PickleMachine::PushLong4() {
  uint32_t num_bytes = 0;
  return reader_.Take(num_bytes) ? PushLong(num_bytes) : CutShort();
}

Status PickleMachine::PushLong(uint64_t num_bytes) {
  std::string_view raw;
  if (!reader_.Take(num_bytes, raw)) return CutShort();
  int64_t value = 0;
  // No size or offset of a tensor needs more than 64 bits; longer ones are random seeds.
  if (raw.size() > sizeof(value)) return Push(PickleOpaque{});
  if (!raw.empty() && (static_cast<unsigned char>(raw.back()) & 0x80U) != 0) value = -1;
  std::memcpy(&value, raw.data(), raw.size());
  return Push(value);
}

Status PickleMachine::PushDouble() {
  uint64_t big_endian = 0;
  if (!reader_.Take(big_endian)) return CutShort();
  const uint64_t bits = __builtin_bswap64(big_endian);
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return Push(value);
}

template <typename Length>
Status PickleMachine::PushText() {
  Length length = 0;
  std::string_view text;
  if (!reader_.Take(length) || !reader_.Take(uint64_t{length}, text)) return CutShort();
  return Push(std::string(text));
}

Status PickleMachine::PushEmptyDict() { return Push(PickleDict{}); }
Status PickleMachine::PushEmptySequence() { return Push(PickleSequence{}); }

Status PickleMachine::PushTupleToMark() {
  std::vector<PickleValue*> items;
  DISTILL_RETURN_IF_ERROR(PopToMark(items));
  return Push(PickleSequence{{items.begin(), items.end()}});
}

Status PickleMachine::PushDictToMark() {
  std::vector<PickleValue*> items;
  DISTILL_RETURN_IF_ERROR(PopToMark(items));
  DISTILL_RETURN_IF_ERROR(Push(PickleDict{}));
  return AddItems(*stack_.back(), items);
}

template <int kCount>
Status PickleMachine::PushTuple() {
  PickleSequence tuple;
  tuple.items.resize(kCount);
  for (size_t index = kCount; index-- > 0;) {
    PickleValue* item = nullptr;
    DISTILL_RETURN_IF_ERROR(Pop(item));
    tuple.items[index] = item;
  }
  return Push(std::move(tuple));
}

Status PickleMachine::AppendOne() {
  PickleValue* item = nullptr;
  PickleValue* list = nullptr;
  DISTILL_RETURN_IF_ERROR(Pop(item));
  DISTILL_RETURN_IF_ERROR(Pop(list));
  if (auto* sequence = std::get_if<PickleSequence>(&list->content)) sequence->items.push_back(item);
  return PushRef(list);
}

Status PickleMachine::AppendToMark() {
  std::vector<PickleValue*> items;
  PickleValue* list = nullptr;
  DISTILL_RETURN_IF_ERROR(PopToMark(items));
  DISTILL_RETURN_IF_ERROR(Pop(list));
  if (auto* sequence = std::get_if<PickleSequence>(&list->content)) {
    sequence->items.insert(sequence->items.end(), items.begin(), items.end());
  }
  return PushRef(list);
}

Status PickleMachine::AddItems(PickleValue& dict, const std::vector<PickleValue*>& items) {
  if (items.size() % 2 != 0) return MalformedPickle("a dict's key has no value");
  auto* target = std::get_if<PickleDict>(&dict.content);
  for (size_t index = 0; target != nullptr && index < items.size(); index += 2) {
    target->items.emplace_back(items[index], items[index + 1]);
  }
  return Status::Ok();
}

Status PickleMachine::SetOneItem() {
  PickleValue* value = nullptr;
  PickleValue* key = nullptr;
  PickleValue* dict = nullptr;
  DISTILL_RETURN_IF_ERROR(Pop(value));
  DISTILL_RETURN_IF_ERROR(Pop(key));
  DISTILL_RETURN_IF_ERROR(Pop(dict));
  DISTILL_RETURN_IF_ERROR(AddItems(*dict, {key, value}));
  return PushRef(dict);
}

Status PickleMachine::SetItemsToMark() {
  std::vector<PickleValue*> items;
  PickleValue* dict = nullptr;
  DISTILL_RETURN_IF_ERROR(PopToMark(items));
  DISTILL_RETURN_IF_ERROR(Pop(dict));
  DISTILL_RETURN_IF_ERROR(AddItems(*dict, items));
  return PushRef(dict);
}

template <typename Index>
Status PickleMachine::GetMemo() {
  Index index = 0;
  if (!reader_.Take(index)) return CutShort();
  const auto found = memo_.find(index);
  if (found == memo_.end()) return MalformedPickle("it refers to a value it never stored");
  return PushRef(found->second);
}

template <typename Index>
Status PickleMachine::PutMemo() {
  Index index = 0;
  if (!reader_.Take(index)) return CutShort();
  PickleValue* top = nullptr;
  DISTILL_RETURN_IF_ERROR(Pop(top));
  memo_[index] = top;
  return PushRef(top);
}

Status PickleMachine::MemoizeTop() {
  PickleValue* top = nullptr;
  DISTILL_RETURN_IF_ERROR(Pop(top));
  memo_[static_cast<uint32_t>(memo_.size())] = top;
  return PushRef(top);
}

Status PickleMachine::PushNamed(std::string_view module, std::string_view name) {
  PickleGlobal global{std::string(module) + '.' + std::string(name)};
  DISTILL_RETURN_IF_ERROR(CheckPickleGlobal(global.name));
  return Push(std::move(global));
}

Status PickleMachine::PushGlobal() {
  std::string_view module;
  std::string_view name;
  if (!reader_.TakeLine(module) || !reader_.TakeLine(name)) return CutShort();
  return PushNamed(module, name);
}

Status PickleMachine::PushStackGlobal() {
  PickleValue* name = nullptr;
  PickleValue* module = nullptr;
  DISTILL_RETURN_IF_ERROR(Pop(name));
  DISTILL_RETURN_IF_ERROR(Pop(module));
  const auto* name_text = name->As<std::string>();
  const auto* module_text = module->As<std::string>();
  if (name_text == nullptr || module_text == nullptr)
    return MalformedPickle("a global has no name");
  return PushNamed(*module_text, *name_text);
}

Status PickleMachine::CallFunction() {
  PickleValue* arguments = nullptr;
  PickleValue* function = nullptr;
  DISTILL_RETURN_IF_ERROR(Pop(arguments));
  DISTILL_RETURN_IF_ERROR(Pop(function));
  const auto* global = function->As<PickleGlobal>();
  const auto* items = arguments->As<PickleSequence>();
  if (global == nullptr || items == nullptr) return MalformedPickle("a call has no function");
  DISTILL_ASSIGN_OR_RETURN(PickleValue result, CallPickleGlobal(global->name, items->items));
  if (const auto* dict = result.As<PickleDict>()) {
    DISTILL_RETURN_IF_ERROR(Spend(dict->items.size()));
  }
  if (const auto* sequence = result.As<PickleSequence>()) {
    DISTILL_RETURN_IF_ERROR(Spend(sequence->items.size()));
  }
  return Push(std::move(result.content));
}

Status PickleMachine::MakeObject() { return CallFunction(); }

Status PickleMachine::SetState() {
  // Attributes of containers (a state_dict's version numbers) and of options: not for us.
  PickleValue* state = nullptr;
  return Pop(state);
}

Status PickleMachine::PushPersistent() {
  PickleValue* id = nullptr;
  DISTILL_RETURN_IF_ERROR(Pop(id));
  DISTILL_ASSIGN_OR_RETURN(PickleStorage storage, ReadPickleStorage(id));
  return Push(std::move(storage));
}

}  // namespace distill::core
