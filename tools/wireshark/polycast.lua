-- Shows Polycast's datagrams in Wireshark and tshark, field by field as in docs/protocol.md.
--
--   tshark -X lua_script:tools/wireshark/polycast.lua -r FILE
--
-- It has no keys: what is sealed is shown as bytes with their length. docs/wireshark.md lists all
-- fields. Names of fields here are those of docs/protocol.md; a test compares the two pages.

local polycast = Proto("polycast", "Polycast")

-- For what a test or a tool has written before it was sealed, or opened.
polycast.prefs.clear = Pref.bool("Link and control messages are in clear", false,
    "Read link and control messages as the module Wire encodes them, before they are sealed")

-- MARK: - Values

local types = {
    [0x01] = "media", [0x02] = "control", [0x03] = "parity", [0x04] = "part of media",
    [0x10] = "link hello", [0x11] = "link challenge", [0x12] = "link request",
    [0x13] = "link accept", [0x14] = "link refusal",
    [0x20] = "rendezvous request", [0x21] = "rendezvous challenge",
    [0x22] = "rendezvous reply", [0x23] = "rendezvous refusal",
}
local record_kinds = {
    "ping", "pong", "route", "sequence number request", "describe", "description", "attach",
    "attach accepted", "attach refused", "detach", "move", "peers", "close", "repair request",
    "heard up to", "announce", "graft", "prune", "have", "heartbeat", "position", "rekey",
    "rekeyed", "probe", "received", "parity", "probed", "measure", "shed",
}
local operations = { "register", "leave", "look up", "register source" }
local rendezvous_reasons = {
    "group_limit", "member_limit", "address_member_limit", "request_rate", "peer_id_taken",
    "bad_signature",
}
local link_reasons = { "full", "wrong group", "self", "peer id taken" }
local attach_reasons = { "full", "no route" }
local standings = { [0] = "has another parent", "receives nothing or fears so", "is a child" }
local stream_kinds = { "audio", "video", "screen", "data" }
local formats = { "RTP and RTCP", "opaque datagrams", "test pattern" }
local families = { [4] = "IPv4", [6] = "IPv6" }
local yes_no = { [0] = "no", "yes" }
local infinite = 0xFFFFFFFF

-- MARK: - Fields

-- Each: what follows "polycast.", type, name in docs/protocol.md, description; then by name:
-- mask, values, unit, or the base that a number is shown in.
local rows = {
    -- All datagrams.
    { "magic", "uint8", "1011", "marks Polycast", mask = 0xF0, base = base.HEX },
    { "version", "uint8", "version", "of the protocol; 1", mask = 0x0F },
    { "type", "uint8", "type", "which datagram this is", values = types, base = base.HEX },
    { "flags", "uint8", "flags", "zero but in media, its parts and parity", base = base.HEX },
    { "stream_index", "uint8", "stream index", "which stream of the source; 0 to 15" },
    { "token", "uint32", "token", "drawn by the receiver's end of the link", base = base.HEX },
    { "sealed_length", "uint32", "sealed length", "of the sealed bytes above", unit = " bytes" },
    { "malformed.reason", "string", "reason", "why the datagram would be dropped" },
    -- Media, parts, parity.
    { "key_phase", "uint8", "K", "phase of the key of tag or seal", mask = 0x80 },
    { "lacks", "uint8", "lacks", "of the five packets before, those the sender has not got itself",
        mask = 0x7C, base = base.HEX },
    { "repair", "bool", "R", "answers a repair request", mask = 0x02 },
    { "control_flow", "bool", "C", "of the stream's control flow (RTCP)", mask = 0x01 },
    { "source", "bytes", "source", "peer id of the member that publishes" },
    { "sequence", "uint32", "sequence number", "counts the packets of one stream" },
    { "tag", "bytes", "tag", "the link's, SipHash-2-4, 128 bits" },
    { "body", "bytes", "body", "one packet, sealed with SFrame (RFC 9605)" },
    { "sframe.kid", "uint64", "KID", "the source's epoch" },
    { "sframe.ctr", "uint64", "CTR", "counts the packets of an epoch" },
    { "sframe.packet", "bytes", "packet", "sealed: the packet as the source's edge received it" },
    { "sframe.tag", "bytes", "SFrame tag", "the source's seal" },
    { "part.index", "uint8", "index", "of this part", mask = 0x7F },
    { "part.last_index", "uint8", "last index", "of the datagram's parts; 1 to 63" },
    { "part.number", "uint32", "number of the datagram that was cut", "alike in all its parts" },
    { "part.data", "bytes", "part of the datagram", "a media datagram's bytes" },
    { "parity.row", "uint8", "row", "which of the block's shards; 0 to 3", mask = 0x03 },
    { "parity.base", "uint32", "base", "first packet of the block; a multiple of 16" },
    { "parity.shard", "bytes", "shard", "Reed-Solomon sum over the 16 sealed packets" },
    { "parity.digest", "bytes", "BLAKE2b-128", "of the shard" },
    -- Control.
    { "counter", "uint16", "counter", "lowest 15 bits", mask = 0x7FFF },
    { "control.records", "bytes", "record", "sealed: records of kind and body" },
    { "control.tag", "bytes", "control tag", "of the sealed records, ChaCha20-Poly1305" },
    -- Links.
    { "cookie", "bytes", "cookie", "proves an address; zero asks for one" },
    { "code", "bytes", "code", "shows that the sender has the group's link secret" },
    { "hello.zero", "bytes", "zero", "makes a hello as long as its challenge" },
    { "challenge.key", "bytes", "responder's static key", "X25519, of which its id is the hash" },
    { "noise.ephemeral", "bytes", "ephemeral public key", "X25519, of this handshake alone" },
    { "noise.static", "bytes", "static public key", "sealed: the initiator's, and a tag" },
    { "noise.payload", "bytes", "payload",
        "sealed: time and name; peer id, token and name; or reason and contacts" },
    { "group", "bytes", "group", "hash of the group's public key" },
    { "accept.token", "uint32", "token that the initiator shall write", "", base = base.HEX },
    { "refusal.reason", "uint8", "link refusal reason", "why there is no link",
        values = link_reasons },
    -- Rendezvous.
    { "transaction", "bytes", "transaction", "random bits, repeated by the answer" },
    { "operation", "uint8", "operation", "what is asked", values = operations },
    { "public_key", "bytes", "public key", "the group's, Ed25519" },
    { "alias", "bytes", "alias", "64 bits of a hash of the group's name" },
    { "peer", "bytes", "peer", "hash of the peer's public key" },
    { "entry_code", "bytes", "entry code", "a holder of the secret made this entry" },
    { "signature", "bytes", "signature", "Ed25519 by the group's key" },
    { "lease", "uint32", "lease", "of the registration, from now", unit = " ms" },
    { "members", "uint32", "members", "with a live lease, the sender included" },
    { "sources", "uint32", "sources", "of the members, those that publish" },
    { "namesakes", "uint32", "namesakes", "members of groups of that alias with another key" },
    { "rendezvous.reason", "uint8", "reason", "why it was refused", values = rendezvous_reasons },
    -- What several messages hold.
    { "count", "uint8", "how many", "contacts that follow" },
    { "endpoint.family", "uint8", "family", "4 or 6", values = families },
    { "endpoint.ipv4", "ipv4", "address", "IPv4" },
    { "endpoint.ipv6", "ipv6", "address", "IPv6" },
    { "endpoint.port", "uint16", "port", "UDP" },
    { "name.length", "uint8", "name length", "1 to 32", unit = " bytes" },
    { "name", "string", "name", "the member's" },
    { "coordinate.x", "int16", "x", "in the space of delays", unit = " x 0.1 ms" },
    { "coordinate.y", "int16", "y", "in the space of delays", unit = " x 0.1 ms" },
    { "coordinate.z", "int16", "z", "in the space of delays", unit = " x 0.1 ms" },
    { "coordinate.height", "uint16", "height", "the access link's delay", unit = " x 0.1 ms" },
    { "coordinate.error", "uint8", "relative error", "in 1/100; 255: unknown" },
    -- Records of control datagrams, which are sealed on the wire.
    { "record", "uint8", "kind", "of a control record", values = record_kinds },
    { "ping.time", "uint32", "time", "means something to who asked only", base = base.HEX },
    { "seqno", "uint32", "seqno", "the source's own count" },
    { "metric", "uint32", "metric", "one-way delay from the source and 2000 per link; "
        .. "the largest: unreachable", unit = " us" },
    { "route.gone", "bool", "gone", "the source has left for good", mask = 0x80 },
    { "route.hops", "uint8", "hops", "links to the source", mask = 0x7F },
    { "free_rate", "uint32", "free rate", "what the sender's uplink can still carry",
        unit = " kbit/s" },
    { "admit_cost", "uint32", "admit cost",
        "a child whose link costs less is taken; the largest: there is room", unit = " us" },
    { "source_rate", "uint32", "source rate", "what one child costs", unit = " kbit/s" },
    { "description_version", "uint16", "description version", "zero before there is any" },
    { "hop_limit", "uint8", "hop limit", "how often it is still passed on" },
    { "urgent", "uint8", "urgent", "the asker receives nothing", values = yes_no },
    { "description.streams", "uint8", "streams", "of the source; 1 to 16" },
    { "description.kind", "uint8", "kind", "what the stream carries", values = stream_kinds },
    { "description.priority", "uint8", "priority", "lower is dropped later" },
    { "description.format", "uint8", "format", "how its packets are read", values = formats },
    { "description.rate", "uint32", "rate", "nominal, of the stream", unit = " kbit/s" },
    { "description.text_length", "uint16", "length", "of the media text", unit = " bytes" },
    { "description.text", "string", "media text", "lines of the stream's SDP" },
    { "attach.inner", "uint8", "inner", "feeds others already", values = yes_no },
    { "attach.standing", "uint8", "standing", "of the asker", values = standings },
    { "attach.cost", "uint32", "cost", "of the link, to the asker's metric", unit = " us" },
    { "attach.fed", "uint8", "fed", "media comes from now on", values = yes_no },
    { "attach.reason", "uint8", "reason", "why it is not fed", values = attach_reasons },
    { "repair.base", "uint32", "base", "the number that the bitmap's lowest bit stands for" },
    { "repair.bitmap", "uint64", "bitmap", "which numbers are missing", base = base.HEX },
    { "highest", "uint32", "highest", "number that the parent has sent" },
    { "announce.hops", "uint8", "hops", "links to the source" },
    { "announce.gone", "bool", "gone", "the source has left for good", mask = 0x01 },
    { "announce.full", "bool", "full", "no room for one more copy", mask = 0x02 },
    { "announce.urgent", "bool", "urgent", "pass it on at once", mask = 0x04 },
    { "graft.lazy", "uint8", "lazy", "digests only", values = yes_no },
    { "heartbeat.next", "uint16", "next", "something follows within", unit = " ms" },
    { "probe.nonce", "bytes", "nonce", "returned by probed" },
    { "probe.length", "uint16", "length", "of the zeros", unit = " bytes" },
    { "probe.zeros", "bytes", "so many zeros", "as long as the path shall carry" },
    { "measure.time", "bytes", "time", "means something to the parent only" },
    { "received.arrived", "uint64", "arrived", "by the sender's clock", unit = " ns" },
    { "received.packets", "uint64", "packets", "media datagrams since the child began to count" },
    { "received.bytes", "uint64", "bytes", "of those" },
    { "parity.rows", "uint8", "rows", "shards wanted with each block; 0 to 4" },
    { "shed.first", "uint32", "first", "number that was left out" },
    { "shed.count", "uint16", "count", "of numbers left out" },
}

local fields, names, encodings, all = {}, {}, {}, {}
for _, row in ipairs(rows) do
    local key, kind, name, about = row[1], row[2], row[3], row[4]
    local abbreviation, made = "polycast." .. key, nil
    if kind == "bool" then
        made = ProtoField.bool(abbreviation, name, 8, nil, row.mask, about)
    elseif kind:find("int%d") then
        local shown = row.unit and base.UNIT_STRING or row.base or base.DEC
        local texts = row.unit and { row.unit } or row.values
        made = ProtoField[kind](abbreviation, name, shown, texts, row.mask, about)
    elseif kind == "string" then
        made = ProtoField.string(abbreviation, name, base.UNICODE, about)
        encodings[key] = ENC_UTF_8
    elseif kind == "bytes" then
        made = ProtoField.bytes(abbreviation, name, base.NONE, about)
    else
        made = ProtoField[kind](abbreviation, name, about)
    end
    fields[key], names[key] = made, name
    all[#all + 1] = made
end
polycast.fields = all

local malformed = ProtoExpert.new(
    "polycast.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
local cut = ProtoExpert.new(
    "polycast.cut", "Not captured whole", expert.group.UNDECODED, expert.severity.NOTE)
polycast.experts = { malformed, cut }

-- MARK: - Reading

-- Ends the reading; `reason` is one of docs/protocol.md.
local function refuse(reason, text) error({ reason = reason, text = text }, 0) end

-- A place in a datagram; without a tree it only checks.
local Reader = {}
Reader.__index = Reader

function Reader:left() return self.length - self.offset end

-- The next `size` bytes, which are there.
function Reader:take(size, what)
    if size > self:left() then
        refuse("truncated", ("%s needs %d bytes, %d are left"):format(what, size, self:left()))
    end
    if self.offset + size > self.tvb:len() then error({ isCut = true }, 0) end
    local start = self.offset
    self.offset = start + size
    return self.tvb:range(start, size)
end

-- Shows `range` as a field; `check` says what is wrong with it, if anything.
function Reader:show(key, range, check)
    local item = self.tree
        and self.tree:add_packet_field(fields[key], range, encodings[key] or ENC_BIG_ENDIAN)
    local problem = check and check(range)
    if problem then refuse("invalid_field", names[key] .. " " .. problem) end
    return item
end

function Reader:field(key, size, check)
    local range = self:take(size, names[key])
    return range, self:show(key, range, check)
end

-- All that is left but `behind` bytes, or `size` of them, which nobody without keys can read.
function Reader:sealed(key, behind, size)
    size = size or math.max(self:left() - behind, 0)
    if size == 0 then return end
    self:field(key, size)
    if self.tree then self.tree:add(fields.sealed_length, size):set_generated() end
end

-- Reads the items inside a branch of the tree with this heading.
function Reader:branch(heading, read)
    if not self.tree then return read(self) end
    local outer, start = self.tree, self.offset
    self.tree = outer:add(self.tvb:range(math.min(start, self.tvb:len())), heading)
    local branch = self.tree
    local text = read(self)
    if self.offset > start then branch:set_len(self.offset - start) end
    if text then branch:append_text(": " .. text) end
    self.tree = outer
    return text
end

-- MARK: - Checks of a value

local function hex(range) return range:bytes():tohex(true) end
local function uint_text(range) return tostring(range:uint()) end

local function below(limit)
    return function(range) return range:uint() >= limit and uint_text(range) or nil end
end

local function at_least_one(range) return range:uint() == 0 and "0" or nil end

local function one_of(texts)
    return function(range) return not texts[range:uint()] and uint_text(range) or nil end
end

local function all_zero(range) return range:raw():find("[^%z]") and "is not zero" or nil end
local function not_zero(range) return not all_zero(range) and "0" or nil end

local function member_name(range)
    local isName = range:raw():find("^[A-Za-z0-9_-][A-Za-z0-9._-]*$")
    return not isName and "has other characters" or nil
end

-- Bytes that continue a character, and the least character, by the first byte's range.
local utf8_forms = {
    { 0x00, 0x7F, 0, 0 }, { 0xC2, 0xDF, 1, 0x80 }, { 0xE0, 0xEF, 2, 0x800 },
    { 0xF0, 0xF4, 3, 0x10000 },
}

local function utf8_length(text, place)
    local first = text:byte(place)
    for _, form in ipairs(utf8_forms) do
        if first >= form[1] and first <= form[2] then
            local value = first % (form[3] == 0 and 0x80 or 2 ^ (6 - form[3]))
            for offset = 1, form[3] do
                local byte = text:byte(place + offset)
                if not byte or byte < 0x80 or byte > 0xBF then return nil end
                value = value * 64 + byte % 64
            end
            local isSurrogate = value >= 0xD800 and value <= 0xDFFF
            if value < form[4] or value > 0x10FFFF or isSurrogate then return nil end
            return form[3] + 1
        end
    end
end

local function utf8_text(range)
    local text, place = range:raw(), 1
    while place <= #text do
        local length = utf8_length(text, place)
        if not length then return "is no UTF-8" end
        place = place + length
    end
end

-- MARK: - Parts of messages

-- An item of a message: a field, or a function that reads several.
local function field(key, size, check)
    return function(reader) reader:field(key, size, check) end
end

-- Fields that share bytes.
local function bits(size, keys, check)
    return function(reader)
        local range = reader:take(size, names[keys[1]])
        for _, key in ipairs(keys) do reader:show(key, range) end
        local problem = check and check(range)
        if problem then refuse("invalid_field", problem) end
    end
end

local function sealed(key, behind, size)
    return function(reader) reader:sealed(key, behind, size) end
end

local function endpoint(reader)
    local family = reader:field("endpoint.family", 1, one_of(families)):uint()
    local address
    if family == 4 then
        address = tostring(reader:field("endpoint.ipv4", 4):ipv4())
    else
        local range = reader:field("endpoint.ipv6", 16, function(range)
            local isMapped = hex(range):find("^00000000000000000000ffff")
            return isMapped and "is IPv4 in IPv6" or nil
        end)
        address = "[" .. tostring(range:ipv6()) .. "]"
    end
    return address .. ":" .. reader:field("endpoint.port", 2):uint()
end

-- Whether datagrams can be sent to the endpoint at these bytes.
local function is_reachable(range)
    local first, last = range(1, 1):uint(), range:len() - 2
    local isMulticast = first == 0xFF
    if range(0, 1):uint() == 4 then isMulticast = first >= 0xE0 end
    local isAny = not range(1, last - 1):raw():find("[^%z]")
    return not isMulticast and not isAny and range(last, 2):uint() ~= 0
end

local function contact(reader, rest)
    return reader:branch("contact", function(inner)
        local peer = hex(inner:field("peer", 8))
        local start = inner.offset
        local text = endpoint(inner)
        if not is_reachable(inner.tvb:range(start, inner.offset - start)) then
            refuse("invalid_field", "contact " .. text)
        end
        for _, item in ipairs(rest or {}) do item(inner) end
        return peer .. " at " .. text
    end)
end

local function contacts(limit, rest, least)
    return function(reader)
        local count = reader:field("count", 1, below(limit + 1)):uint()
        if count < (least or 0) then refuse("invalid_field", "how many 0") end
        for _ = 1, count do contact(reader, rest) end
        reader.contactCount = count
    end
end

local function observed_endpoint(reader)
    reader.observed = reader:branch("observed endpoint", endpoint)
end

local function name(reader)
    local length = reader:field("name.length", 1, below(33)):uint()
    if length == 0 then refuse("invalid_field", "name is empty") end
    local range = reader:field("name", length, member_name)
    reader.name = range:raw()
end

local function coordinate(heading)
    return function(reader)
        reader:branch(heading, function(inner)
            for _, key in ipairs({ "x", "y", "z", "height" }) do
                inner:field("coordinate." .. key, 2)
            end
            inner:field("coordinate.error", 1)
        end)
    end
end

-- A number of three bytes, of which the largest stands for the largest of four.
local function short_number(key)
    return function(reader)
        local range, item = reader:field(key, 3)
        if item and range:uint() == 0xFFFFFF then item:append_text(" (or more)") end
    end
end

local function media_text(reader)
    local length = reader:field("description.text_length", 2, below(901)):uint()
    if length > 0 then reader:field("description.text", length, utf8_text) end
end

local function description_stream(reader)
    local index = reader:field("stream_index", 1):uint()
    reader:field("description_version", 2)
    local count = reader:field("description.streams", 1):uint()
    if count > 16 or index >= count then refuse("invalid_field", "stream index " .. index) end
end

local function zeros(reader)
    local length = reader:field("probe.length", 2):uint()
    if length > 0 then reader:field("probe.zeros", length, all_zero) end
end

-- MARK: - Records

local source = field("source", 8)
local seqno, metric = field("seqno", 4), field("metric", 4)
local stream_index = field("stream_index", 1, below(16))
local flag = one_of(yes_no)

local function announce_flags(range)
    return range:uint() > 7 and "flags " .. range:uint() or nil
end

local bodies = {
    ping = { field("ping.time", 4) },
    pong = { field("ping.time", 4) },
    route = {
        source, seqno, metric, bits(1, { "route.gone", "route.hops" }), short_number("free_rate"),
        short_number("admit_cost"), short_number("source_rate"), field("description_version", 2),
        coordinate("origin"),
    },
    ["sequence number request"] = {
        source, seqno, field("hop_limit", 1), field("urgent", 1, flag),
    },
    describe = { source },
    description = {
        source, description_stream, field("description.kind", 1, one_of(stream_kinds)),
        field("description.priority", 1), field("description.format", 1, one_of(formats)),
        field("description.rate", 4), name, media_text,
    },
    attach = {
        source, field("free_rate", 4), field("attach.inner", 1, flag),
        field("attach.standing", 1, one_of(standings)), field("attach.cost", 4),
    },
    ["attach accepted"] = { source, field("attach.fed", 1, flag) },
    ["attach refused"] = {
        source, field("attach.reason", 1, one_of(attach_reasons)), contacts(4),
    },
    detach = { source },
    move = { source, contacts(1, nil, 1) },
    peers = {
        source,
        contacts(8, {
            coordinate("coordinate"), short_number("metric"), short_number("admit_cost"),
        }),
    },
    close = {},
    ["repair request"] = {
        source, stream_index, field("repair.base", 4), field("repair.bitmap", 8, not_zero),
    },
    ["heard up to"] = { source, stream_index, field("highest", 4) },
    announce = {
        source, seqno, metric, field("announce.hops", 1),
        bits(1, { "announce.gone", "announce.full", "announce.urgent" }, announce_flags),
        field("source_rate", 4), field("description_version", 2),
    },
    graft = { source, seqno, field("graft.lazy", 1, flag) },
    prune = { source },
    have = { source, stream_index, field("sequence", 4) },
    heartbeat = { field("heartbeat.next", 2) },
    position = { coordinate("coordinate") },
    rekey = {
        field("noise.ephemeral", 32), sealed("noise.static", 0, 48), sealed("noise.payload", 0, 16),
    },
    rekeyed = { field("noise.ephemeral", 32), sealed("noise.payload", 0, 16) },
    probe = { field("probe.nonce", 8), zeros },
    probed = { field("probe.nonce", 8) },
    received = {
        field("measure.time", 8), field("received.arrived", 8), field("received.packets", 8),
        field("received.bytes", 8),
    },
    parity = { source, field("parity.rows", 1, below(5)) },
    measure = { field("measure.time", 8) },
    shed = { source, stream_index, field("shed.first", 4), field("shed.count", 2, at_least_one) },
}

local function records(reader)
    local kinds = {}
    while reader:left() > 0 do
        reader:branch("record", function(inner)
            local kind = inner:field("record", 1):uint()
            local title = record_kinds[kind]
            if not title then refuse("unknown_type", "control record " .. kind) end
            kinds[#kinds + 1] = title
            for _, item in ipairs(bodies[title]) do item(inner) end
            return title
        end)
    end
    reader.info = #kinds == 0 and "no records" or table.concat(kinds, ", ")
end

-- MARK: - Datagrams

local function header(reader)
    local first = reader:take(1, "version")
    reader:show("magic", first)
    reader:show("version", first)
    local version = first:bitfield(4, 4)
    if version ~= 1 then refuse("unsupported_version", tostring(version)) end
    local kind = reader:field("type", 1):uint()
    if not types[kind] then refuse("unknown_type", ("0x%02x"):format(kind)) end
    return kind
end

-- The header's two bytes that only media, its parts and parity use.
local function no_flags(reader)
    local range = reader:take(2, names.flags)
    reader:show("flags", range(0, 1))
    reader:show("stream_index", range(1, 1))
    if range:uint() ~= 0 then refuse("invalid_field", "flags are not zero") end
end

local function token(reader)
    reader.token = "0x" .. hex(reader:field("token", 4))
end

local function tell(reader, text) reader.info = text end

-- A number of SFrame's header: in the nibble itself, or in so many bytes, none of them in vain.
local function sframe_number(reader, key, nibble, byteLimit, first)
    if nibble < 8 then
        if reader.tree then reader.tree:add(fields[key], first, UInt64(nibble)) end
        return
    end
    local size = nibble - 7
    if size > byteLimit then refuse("invalid_field", names[key] .. " is too long") end
    local range = reader:take(size, names[key])
    if range(0, 1):uint() == 0 or (size == 1 and range:uint() < 8) then
        refuse("invalid_field", names[key] .. " is written longer than needed")
    end
    reader:show(key, range)
end

local function sframe(reader)
    local body = reader:take(reader:left(), names.body)
    reader:show("body", body)
    reader.offset = reader.offset - body:len()
    local first = reader:take(1, names.body)
    sframe_number(reader, "sframe.kid", first:bitfield(0, 4), 2, first)
    sframe_number(reader, "sframe.ctr", first:bitfield(4, 4), 3, first)
    if reader:left() < 16 then refuse("truncated", "SFrame tag needs 16 bytes") end
    reader:sealed("sframe.packet", 16)
    reader:field("sframe.tag", 16)
end

local function media(reader)
    local flags = reader:take(1, names.flags)
    for _, key in ipairs({ "key_phase", "lacks", "repair", "control_flow" }) do
        reader:show(key, flags)
    end
    local index = reader:field("stream_index", 1):uint()
    if index > 15 then refuse("unknown_stream", tostring(index)) end
    token(reader)
    local from = hex(reader:field("source", 8))
    local number = reader:field("sequence", 4):uint()
    reader:field("tag", 16)
    local bytes = reader:left()
    tell(reader, ("%s stream %d number %.0f, %d bytes, to %s%s%s"):format(
        from, index, number, bytes, reader.token,
        flags:bitfield(7, 1) == 1 and ", control flow" or "",
        flags:bitfield(6, 1) == 1 and ", repair" or ""))
    sframe(reader)
end

local function part(reader)
    local flags = reader:take(1, names["part.index"])
    reader:show("key_phase", flags)
    reader:show("part.index", flags)
    local index = flags:bitfield(1, 7)
    local last = reader:field("part.last_index", 1):uint()
    if last < 1 or last > 63 or index > last then
        refuse("invalid_field", ("index %d of %d"):format(index, last))
    end
    token(reader)
    local number = reader:field("part.number", 4):uint()
    reader:field("tag", 16)
    tell(reader, ("%d of %d of number %.0f, %d bytes, to %s"):format(
        index + 1, last + 1, number, reader:left(), reader.token))
    reader:field("part.data", math.max(reader:left(), 1))
end

local function parity(reader)
    local flags = reader:take(1, names["parity.row"])
    reader:show("key_phase", flags)
    reader:show("parity.row", flags)
    local index = reader:field("stream_index", 1, below(16)):uint()
    if flags:bitfield(1, 5) ~= 0 then refuse("invalid_field", "flags " .. flags:uint()) end
    token(reader)
    local from = hex(reader:field("source", 8))
    local first = reader:field("parity.base", 4, function(range)
        return range:uint() % 16 ~= 0 and "is no multiple of 16" or nil
    end):uint()
    reader:field("tag", 16)
    tell(reader, ("%s stream %d numbers %.0f to %.0f, row %d, to %s"):format(
        from, index, first, first + 15, flags:bitfield(6, 2), reader.token))
    reader:field("parity.shard", math.max(reader:left() - 16, 1))
    reader:field("parity.digest", 16)
end

local function sealed_control(reader)
    token(reader)
    local word = reader:take(2, names.counter)
    reader:show("key_phase", word(0, 1))
    reader:show("counter", word)
    tell(reader, ("number %d, %d bytes sealed, to %s"):format(
        word:bitfield(1, 15), math.max(reader:left() - 16, 0), reader.token))
    reader:sealed("control.records", 16)
    reader:field("control.tag", 16)
end

local function clear_control(reader)
    no_flags(reader)
    token(reader)
    records(reader)
end

-- What a datagram holds behind its type: items, how long it is, and what the info column says.
-- `isWeak`: little tells it from other datagrams, so the heuristic wants to see its token twice.
local layouts = {
    [0x01] = { 53, 65507, { media }, isWeak = true },
    [0x02] = { 24, 65000, { sealed_control }, isWeak = true },
    [0x03] = { 55, 1555, { parity }, isWeak = true },
    [0x04] = { 29, 65507, { part }, isWeak = true },
    [0x10] = { 72, 72, { no_flags, token, field("hello.zero", 48, all_zero), field("code", 16) } },
    [0x11] = { 72, 72, {
        no_flags, token, field("cookie", 16), field("challenge.key", 32), field("code", 16),
    } },
    [0x12] = { 146, 177, {
        no_flags, token, field("cookie", 16), field("noise.ephemeral", 32),
        sealed("noise.static", 0, 48), sealed("noise.payload", 16), field("code", 16),
    } },
    [0x13] = { 71, 102, {
        no_flags, token, field("noise.ephemeral", 32), sealed("noise.payload", 0),
    } },
    [0x14] = { 59, 167, {
        no_flags, token, field("noise.ephemeral", 32), sealed("noise.payload", 0),
    } },
    [0x20] = { 157, 157, {
        no_flags, field("transaction", 8),
        function(reader)
            local operation = reader:field("operation", 1, one_of(operations)):uint()
            tell(reader, operations[operation])
        end,
        field("public_key", 32), field("alias", 8), field("peer", 8), field("cookie", 16),
        field("entry_code", 16), field("signature", 64),
    } },
    [0x21] = { 35, 47, {
        no_flags, field("transaction", 8), field("cookie", 16), observed_endpoint,
        function(reader) tell(reader, "seen at " .. reader.observed) end,
    } },
    [0x22] = { 36, 736, {
        no_flags, field("transaction", 8), field("lease", 4),
        function(reader)
            local members = reader:field("members", 4):uint()
            local sources = reader:field("sources", 4):uint()
            tell(reader, ("%.0f members, %.0f sources"):format(members, sources))
        end,
        field("namesakes", 4), observed_endpoint, contacts(16, { field("entry_code", 16) }),
        function(reader)
            tell(reader, ("%s, %d peers named"):format(reader.info, reader.contactCount))
        end,
    } },
    [0x23] = { 13, 13, {
        no_flags, field("transaction", 8),
        function(reader)
            local range = reader:field("rendezvous.reason", 1, one_of(rendezvous_reasons))
            tell(reader, rendezvous_reasons[range:uint()])
        end,
    } },
}

-- The same before sealing, as the module Wire encodes it.
local clear_layouts = {
    [0x02] = { 8, 1200, { clear_control } },
    [0x10] = { 8, 8, { no_flags, token } },
    [0x11] = { 24, 24, { no_flags, token, field("cookie", 16) } },
    [0x12] = { 50, 81, {
        no_flags, token, field("cookie", 16), field("group", 16), field("peer", 8), name,
    } },
    [0x13] = { 22, 53, {
        no_flags, token, field("peer", 8), field("accept.token", 4), name,
    } },
    [0x14] = { 10, 118, {
        no_flags, token, field("refusal.reason", 1, one_of(link_reasons)), contacts(4),
    } },
}

local function check_length(kind, layout, length)
    local least, most = layout[1], layout[2]
    if length > most and length > 1200 then
        refuse("oversized", ("%d bytes, %d at most"):format(length, most))
    end
    -- Elsewhere the fields that are missing are found by reading them, and named.
    if layout.isWeak and length < least then
        refuse("truncated", ("%d bytes, %s has %d at least"):format(length, types[kind], least))
    end
end

local function datagram(reader)
    local kind = header(reader)
    local layout = polycast.prefs.clear and clear_layouts[kind] or layouts[kind]
    reader.kind, reader.layout = kind, layout
    check_length(kind, layout, reader.length)
    for _, item in ipairs(layout[3]) do item(reader) end
    local spare = math.max(reader:left(), reader.length - layout[2])
    if spare > 0 then refuse("trailing_bytes", tostring(spare)) end
    -- Of what is sealed, so that its fields are not read.
    if reader.length < layout[1] then
        refuse("truncated", ("%d bytes, %d at least"):format(reader.length, layout[1]))
    end
end

-- Reads `tvb` into `tree`, or only checks it; returns the reader and what went wrong.
local function read(tvb, tree)
    local reader = setmetatable(
        { tvb = tvb, tree = tree, offset = 0, length = tvb:reported_len() }, Reader)
    local isWhole, problem = pcall(datagram, reader)
    if isWhole then return reader, nil end
    -- Anything else is an error of this script, and shall show.
    if type(problem) ~= "table" then error(problem, 0) end
    return reader, problem
end

local function begins_like_polycast(tvb)
    return tvb:len() > 0 and tvb:range(0, 1):bitfield(0, 4) == 0xB
end

function polycast.dissector(tvb, pinfo, root)
    if not begins_like_polycast(tvb) then return 0 end
    local tree = root:add(polycast, tvb())
    local reader, problem = read(tvb, tree)
    local title = types[reader.kind] or "datagram"
    title = title:sub(1, 1):upper() .. title:sub(2)
    local info = title .. (reader.info and ": " .. reader.info or "")
    if problem and problem.isCut then
        tree:add_proto_expert_info(cut)
    elseif problem then
        local text = problem.reason .. ": " .. problem.text
        info = title .. ", malformed: " .. text
        tree:add(fields["malformed.reason"], problem.reason):set_generated()
        tree:add_proto_expert_info(malformed, "Malformed: " .. text)
    end
    tree:append_text(", " .. info)
    pinfo.cols.protocol = "Polycast"
    pinfo.cols.info = info
    return tvb:len()
end

-- MARK: - Finding it on any port

-- By receiver and token: the first frame that showed it. Forgotten when there are too many.
local seen, seen_count, seen_limit = {}, 0, 65536

function polycast.init() seen, seen_count = {}, 0 end

-- Whether an earlier frame to this receiver had the token.
local function was_seen(pinfo, token)
    local key = ("%s %d %s"):format(tostring(pinfo.dst), pinfo.dst_port, token)
    if not seen[key] then
        if seen_count >= seen_limit then polycast.init() end
        seen[key], seen_count = pinfo.number, seen_count + 1
    end
    return seen[key] < pinfo.number
end

-- Claims what is well-formed to the last byte, and of what has little that can be wrong with it,
-- media and sealed control, only the second with one token. Then the whole conversation is ours.
local function heuristic(tvb, pinfo, root)
    if not begins_like_polycast(tvb) then return false end
    local reader, problem = read(tvb, nil)
    if not reader.layout or problem and not problem.isCut then return false end
    if reader.layout.isWeak and not (reader.token and was_seen(pinfo, reader.token)) then
        return false
    end
    pinfo.conversation = polycast
    polycast.dissector(tvb, pinfo, root)
    return true
end

DissectorTable.get("udp.port"):add(7400, polycast)
polycast:register_heuristic("udp", heuristic)
