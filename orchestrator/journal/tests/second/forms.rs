//! What a record may look like that somebody with the key writes: forms of body, content and opening, legal and not.

use laufzettel_domain::digest::to_hex;
use laufzettel_journal::pack;

use crate::harm::{Variants, rebody, recontent};

const MIB: usize = 1024 * 1024;

pub fn bodies(v: &mut Variants<'_>) {
    let (index, nested) = (v.base.at(1, 4), |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n)));
    let bodies = [
        "{}",
        " {} ",
        "{\"v\":1, \"x\":null}",
        "{\"x\":{\"y\":1,\"y\":2}}",
        "{\"x\":1,\"x\":1}",
        "{\"x\":1,\"\\u0078\":1}",
        "",
        "[]",
        "null",
        "\"{}\"",
        "1",
        "{",
        "{}}",
        "{}{}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{\"a\":-Infinity}",
        "{\"a\":1e999}",
        "{\"a\":-1e400}",
        "{\"a\":1e308}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\ud83d\\ude00\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"\u{7f}\u{2028}\"}",
        "\u{feff}{}",
        "{}\u{a0}",
        "{\"a\":tru}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u00e\"}",
        "{\"a\":123456789012345678901234567890}",
        "{\"a\":-0}",
        "{\"a\":1E+2}",
        "/**/{}",
        "{\"a\":\"\\\u{0}\"}",
        "{}\0",
        "\u{b}{}",
        "{\"\":0}",
        "{\"mac\":null}",
        "{\"mac\":1}",
        "{\"mac\":\"\"}",
    ];
    for body in bodies.map(str::to_owned).into_iter().chain([125, 126, 127, 128, 2000].map(nested)).chain([format!("{{\"a\":{}}}", "9".repeat(400))]) {
        let name: String = body.escape_default().take(40).collect();
        v.with(format!("body {name} of {}", body.len()), |c| rebody(c, index, &body));
    }
}

pub fn contents(v: &mut Variants<'_>) {
    let index = v.base.at(1, 3);
    let packed = pack("{\"a\":\"".bytes().chain([b'x'; 900]).chain("\"}".bytes()).collect::<Vec<u8>>().as_slice());
    let padded = |size: usize| [b"{".as_slice(), &vec![b' '; size - 2], b"}"].concat();
    let plain = |json: &str| [&[0], json.as_bytes()].concat();
    let contents = [
        ("whole", packed.clone()),
        ("cut short", packed[..packed.len() - 1].to_vec()),
        ("with something behind", [packed.as_slice(), &[0]].concat()),
        ("marked as plain", [&[0], &packed[1..]].concat()),
        ("marked as neither", [&[2], &packed[1..]].concat()),
        ("plain, marked as packed", [&[1], b"{}".as_slice()].concat()),
        ("with a zlib header", [&[1, 0x78, 0x01], &packed[1..]].concat()),
        ("of no bytes", Vec::new()),
        ("of one marker", vec![0]),
        ("of the other marker", vec![1]),
        ("an empty stream", vec![1, 3, 0]),
        ("an empty object", plain("{}")),
        ("a list", plain("[]")),
        ("no JSON", plain("{")),
        ("a name twice", plain("{\"a\":1,\"a\":1}")),
        ("no UTF-8", vec![0, b'{', b'"', 0xff, b'"', b':', b'1', b'}']),
        ("of 64 MiB", pack(&padded(64 * MIB))),
        ("of one byte more", pack(&padded(64 * MIB + 1))),
    ];
    for (name, content) in contents {
        v.with(format!("content {name}"), |c| recontent(c, index, &content));
    }
    commitments(v, index);
}

/// Bodies that commit to something else than what is there.
fn commitments(v: &mut Variants<'_>, index: usize) {
    let body = v.base.records[index].draft.body.clone();
    let mac = body.split('"').skip_while(|word| *word != "mac").nth(2).unwrap_or_default().to_owned();
    let bodies = [("in capitals", mac.to_uppercase()), ("shorter", mac[..62].to_owned()), ("of zeros", "0".repeat(64)), ("none", String::new())]
        .map(|(name, other)| (name, body.replace(&mac, &other)));
    for (name, body) in bodies.into_iter().chain([("no text", body.replace(&format!("\"{mac}\""), "1")), ("away", "{}".to_owned())]) {
        v.with(format!("commitment {name}"), |c| rebody(c, index, &body));
    }
    v.with("commitment away, no content", |c| {
        (c.records[index].draft.salt, c.records[index].draft.content) = (None, None);
        rebody(c, index, "{}");
    });
}

pub fn openings(v: &mut Variants<'_>) {
    let (second, third) = (v.base.at(2, 1), v.base.at(3, 1));
    let head = |lane, seq| {
        let record = &v.base.records[v.base.at(lane, seq)];
        format!("[{lane},{seq},\"{}\"]", to_hex(&record.hash))
    };
    let last = v.base.records[second - 1].seq;
    let (end, inner, own) = (head(1, last), head(1, 3), head(2, 2));
    let hash = &end[end.find('"').unwrap_or_default()..end.len() - 1];
    let heads = [
        "null".to_owned(),
        "{}".to_owned(),
        "1".to_owned(),
        "[[]]".to_owned(),
        "[1]".to_owned(),
        "[{}]".to_owned(),
        "[]".to_owned(),
        format!("[{end}]"),
        format!("[{end},{end}]"),
        format!("[{inner}]"),
        format!("[{inner},{end}]"),
        format!("[{end},{inner}]"),
        format!("[{own}]"),
        format!("[[1,{last}]]"),
        format!("[[1,{last},{hash},0]]"),
        format!("[[1,{last},{}]]", hash.to_uppercase()),
        format!("[[1,{last},{}]]", &hash.replacen('"', "\"+", 1)),
        format!("[[1,0,{hash}]]"),
        format!("[[0,{last},{hash}]]"),
        format!("[[-1,{last},{hash}]]"),
        format!("[[1.0,{last},{hash}]]"),
        format!("[[1,\"{last}\",{hash}]]"),
        format!("[[true,{last},{hash}]]"),
        format!("[[1,3,{hash}]]"),
        format!("[[1,{},{hash}]]", last + 1),
        format!("[[7,{last},{hash}]]"),
        format!("[[3,1,{hash}]]"),
        format!("[[1,9223372036854775807,{hash}]]"),
        format!("[[1,9223372036854775808,{hash}]]"),
        format!("[[1,{last},\"00\"]]"),
        format!("[[1,{last},null]]"),
    ];
    for heads in heads {
        let name: String = heads.chars().take(30).collect();
        v.with(format!("heads {name} of {}", heads.len()), |c| rebody(c, second, &format!("{{\"heads\":{heads}}}")));
    }
    v.with("no heads", |c| rebody(c, second, "{}"));
    v.with("two heads", |c| rebody(c, second, "{\"heads\":[],\"heads\":[]}"));
    v.with("a lane found twice, the second time shorter", |c| rebody(c, third, &format!("{{\"heads\":[{inner}]}}")));
    kinds(v);
}

/// Kinds, actors and instants nobody must refuse, and openings where there must be one.
fn kinds(v: &mut Variants<'_>) {
    let (second, within) = (v.base.at(2, 1), v.base.at(2, 3));
    for (index, kind) in [
        (second, "lane.closed"),
        (second, "lane.Opened"),
        (second, ""),
        (within, "lane.opened"),
        (within, "lane.closed"),
        (within, "von.morgen"),
        (within, "ä\0\n"),
    ] {
        v.with(format!("{index}: kind {}, forged", kind.escape_default()), |c| {
            c.records[index].draft.kind = kind.to_owned();
            c.forge();
        });
    }
    for (actor, at) in [("", 0), ("os:1000", i64::MIN), ("Jörg \"🐕\" \\", i64::MAX)] {
        v.with(format!("actor {}, forged", actor.escape_default()), |c| {
            (c.records[within].draft.actor, c.records[within].draft.at) = (actor.to_owned(), at);
            c.forge();
        });
    }
}
