//! What scalars mean (the expected column was printed by Go with `sigs.k8s.io/yaml` 1.6 and
//! `text/template`), and that edits touch nothing else.

use std::collections::BTreeMap;

use super::*;

fn parse(text: &str) -> YamlFile {
    YamlFile::parse(text.as_bytes()).unwrap()
}

fn at(file: &YamlFile, path: &[&str]) -> NodeId {
    path.iter().fold(*file.documents().first().unwrap(), |node, key| {
        file.get(node, key).unwrap_or_else(|| panic!("no {path:?}"))
    })
}

#[test]
fn scalars_print_as_go_prints_them() {
    let check = |text: &str, expected: Option<&str>| {
        let file = parse(&format!("a: {text}\n"));
        let value = file.resolved(at(&file, &["a"])).unwrap();
        assert_eq!(value.print().as_deref(), expected, "{text}");
    };
    let numbers = [
        ("1.20", "1.2"),
        ("1.0", "1"),
        ("1000000", "1e+06"),
        ("999999", "999999"),
        ("123456789", "1.23456789e+08"),
        ("20241119", "2.0241119e+07"),
        ("0x10", "16"),
        ("010", "8"),
        ("0777", "511"),
        ("0o17", "15"),
        ("0O17", "15"),
        ("0b101", "5"),
        ("-0b11", "-3"),
        ("+0x10", "16"),
        ("1_000", "1000"),
        ("685_230.15", "685230.15"),
        ("0_1", "1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+.5", "0.5"),
        ("1e3", "1000"),
        ("12e03", "12000"),
        ("1E+3", "1000"),
        ("-0", "0"),
        ("-0.0", "-0"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("1e-7", "1e-07"),
        ("123456.789", "123456.789"),
        ("1234567.5", "1.2345675e+06"),
        ("08", "8"),
        ("18446744073709551615", "1.8446744073709552e+19"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("9223372036854775807", "9.223372036854776e+18"),
        ("!!int \"3\"", "3"),
        ("!!float 3", "3"),
        ("!!float \"1.20\"", "1.2"),
    ];
    numbers.iter().for_each(|(text, expected)| check(text, Some(expected)));
    for text in ["yes", "on", "y", "Y", "True", "!!bool yes"] {
        check(text, Some("true"));
    }
    for text in ["no", "off", "n", "FALSE"] {
        check(text, Some("false"));
    }
    for text in ["~", "null", "NULL", "Null", ""] {
        check(text, None);
    }
    let texts = [
        "tRue",
        "2020-01-01",
        "1:20",
        "190:20:30",
        "0x",
        "0xG",
        "1.2.3",
        "v1",
        "1e",
        "e1",
        "_1",
        ".",
        ".e3",
        "infinity",
        "nan",
        "Inf",
        "0x1p3",
        "=",
        "1e400",
    ];
    texts.iter().for_each(|text| check(text, Some(text)));
    check("!!str 1.20", Some("1.20"));
    check("\"1.20\"", Some("1.20"));
    check("'yes'", Some("yes"));
    check("!foo bar", Some("bar"));
}

#[test]
fn keys_are_found_as_go_finds_them() {
    let check = |text: &str, path: &[&str], expected: &str| {
        let file = parse(text);
        assert_eq!(file.resolved(at(&file, path)).unwrap().print().as_deref(), Some(expected), "{text}");
    };
    check("a: 1\na: 2\n", &["a"], "2");
    check("m: &m {x: 1}\nb: {<<: *m, x: 2}\n", &["b", "x"], "2");
    check("m: &m {x: 1}\nb: {x: 2, <<: *m}\n", &["b", "x"], "1");
    check("m: &m {x: 1}\nn: &n {x: 5, z: 6}\nb: {<<: [*m, *n]}\n", &["b", "x"], "1");
    check("m: &m {x: 1}\nn: &n {x: 5, z: 6}\nb: {<<: [*m, *n]}\n", &["b", "z"], "6");
    check("\"<<\": {x: 1}\n", &["<<", "x"], "1");
    check("on: 1\n", &["true"], "1");
    check("1: 2\n", &["1"], "2");
    check("a.b: {c: d}\n", &["a.b", "c"], "d");
    check("\u{feff}a: b\n", &["a"], "b");
}

#[test]
fn refuses_what_go_refuses() {
    let check = |text: &[u8], expected: &str| {
        assert_eq!(YamlFile::parse(text).unwrap_err().to_string(), expected);
    };
    check(b"a: b\nc: \xff\n", "line 2: not UTF-8 text");
    check(b"a: &x\n  b: *x\n", "line 2: an anchored value contains itself");
    check("# a\n%é\n---\na: b\n".as_bytes(), "line 2: a directive with other characters than ASCII");
    check("[".repeat(200).as_bytes(), "line 1: nested deeper than 128 levels");
    check(&b"- a\n".repeat(300_000), "line 250000: more than 250000 keys and values in one file");
    assert!(YamlFile::parse(b"a: [b\n").is_err());
    assert!(YamlFile::parse(b"a: *nothing\n").is_err());
}

#[test]
fn aliases_do_not_blow_up() {
    let mut text = "a0: &a0 [x, x]\n".to_owned();
    for n in 1..40 {
        text.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    }
    let file = parse(&text);
    assert!(file.to_json(file.documents()[0]).unwrap_err().to_string().contains("100000 values"));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(20));
    let file = parse(&long);
    assert!(file.to_json(file.documents()[0]).unwrap_err().to_string().contains("16 MiB of text"));
    let merges: String = (1..40).map(|n| format!("m{n}: &m{n} {{<<: [*m{0}, *m{0}]}}\n", n - 1)).collect();
    let file = parse(&format!("m0: &m0 {{a: b}}\n{merges}"));
    assert!(file.get(at(&file, &["m39"]), "nothing").is_none());
}

#[test]
fn replacing_touches_nothing_else() {
    let check = |before: &str, path: &[&str], to: &str, after: &str| {
        let file = parse(before);
        let edited = replace(&file, &BTreeMap::from([(at(&file, path), to.to_owned())])).unwrap();
        assert_eq!(edited.text(), after, "{before}");
    };
    let image = "r.io/p/x";
    check("# c\na:   b  # end\n\n\nc: d", &["a"], image, "# c\na:   r.io/p/x  # end\n\n\nc: d");
    check("a: b", &["a"], image, "a: r.io/p/x");
    check("a: 'b' # end\n", &["a"], image, "a: 'r.io/p/x' # end\n");
    check("a: 'b''s # no' # 'end'\n", &["a"], image, "a: 'r.io/p/x' # 'end'\n");
    check("a: \"b\\\" #\" # \"end\"\nb: c\n", &["a"], image, "a: \"r.io/p/x\" # \"end\"\nb: c\n");
    check("a: \"b\"   # end\n", &["a"], image, "a: \"r.io/p/x\"   # end\n");
    check("a: \"b\n  c\"\nd: e\n", &["a"], image, "a: \"r.io/p/x\"\nd: e\n");
    check("a:\r\n  b: c # é\r\n  d: e\r\n", &["a", "b"], image, "a:\r\n  b: r.io/p/x # é\r\n  d: e\r\n");
    check("a: ü\nb: c\n", &["b"], image, "a: ü\nb: r.io/p/x\n");
    check("\u{feff}a: b\n", &["a"], image, "\u{feff}a: r.io/p/x\n");
    check("a: {b: c, d: {e: f}}\n", &["a", "d", "e"], image, "a: {b: c, d: {e: r.io/p/x}}\n");
    check("{\"a\": {\"b\":\"c\"}}\n", &["a", "b"], image, "{\"a\": {\"b\":\"r.io/p/x\"}}\n");
    check("\"a\": b\n'c': d\n", &["c"], image, "\"a\": b\n'c': r.io/p/x\n");
    check("a: &x b\nc: *x\n", &["c"], image, "a: &x r.io/p/x\nc: *x\n");
    check("a: !!str b\n", &["a"], image, "a: !!str r.io/p/x\n");
    check("a: !<tag:yaml.org,2002:str> b\n", &["a"], image, "a: !<tag:yaml.org,2002:str> r.io/p/x\n");
    check("a: !!str &x 'b' # c\n", &["a"], image, "a: !!str &x 'r.io/p/x' # c\n");
    check("a: one\n  two\nb: c\n", &["a"], image, "a: r.io/p/x\nb: c\n");
    check("a: | # why\n  b\n  c\n\n# d\ne: f\n", &["a"], image, "a: r.io/p/x # why\n\n# d\ne: f\n");
    check("a: >-\n  b\n", &["a"], image, "a: r.io/p/x\n");
    check("a: &x >-\n  b\nc: *x\n", &["a"], image, "a: &x r.io/p/x\nc: *x\n");
    check("a: b\n---\na: c\n", &["a"], image, "a: r.io/p/x\n---\na: c\n");
    check("m: &m\n  x: 1\nb:\n  <<: *m\n", &["b", "x"], image, "m: &m\n  x: r.io/p/x\nb:\n  <<: *m\n");
    check("? a\n: b\n", &["a"], image, "? a\n: r.io/p/x\n");
    check("a: 1.20\n", &["a"], "1.3", "a: \"1.3\"\n");
    check("a: b\n", &["a"], "yes", "a: \"yes\"\n");
    check("a: b\n", &["a"], "", "a: \"\"\n");
    check("a: 'b'\n", &["a"], "it's", "a: 'it''s'\n");
    check("a: \"b\"\n", &["a"], "a\"b\\c\td", "a: \"a\\\"b\\\\c\\u0009d\"\n");
    check("a:\n", &["a"], image, "a: r.io/p/x\n");
    check("a: # none\nb:\n", &["a"], image, "a: r.io/p/x # none\nb:\n");
    check("a: &x\nb: *x\n", &["a"], image, "a: &x r.io/p/x\nb: *x\n");
    // A no-break space is text, wherever it was pasted from.
    check("a: b\u{a0}\nc: d\n", &["a"], image, "a: r.io/p/x\nc: d\n");
    check("a:\t'b'\n", &["a"], image, "a:\t'r.io/p/x'\n");
    check("a:\t|-\n  b\n", &["a"], image, "a:\t\"r.io/p/x\"\n");
    check("{a: b, c: }\n", &["c"], image, "{a: b, c: r.io/p/x }\n");
    check("{\"a\":# why\n}\n", &["a"], image, "{\"a\": r.io/p/x # why\n}\n");
    check("a: &x # why\r  b\rc: d\r", &["a"], image, "a: &x # why\r  r.io/p/x\rc: d\r");
}

#[test]
fn what_can_not_be_replaced_is_said() {
    let file = parse("a: !!int 5\n");
    let error = replace(&file, &BTreeMap::from([(at(&file, &["a"]), "b".to_owned())])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: a value tagged tag:yaml.org,2002:int can't become a text; take the tag away"
    );
    for text in ["{a}\n", "{a,}\n", "{a, b: c}\n"] {
        let file = parse(text);
        let error = replace(&file, &BTreeMap::from([(at(&file, &["a"]), "b".to_owned())])).unwrap_err();
        assert_eq!(error.to_string(), "line 1: an empty value can't take the key \"b\"", "{text}");
    }
}

#[test]
fn missing_keys_are_added_in_the_way_of_the_file() {
    let check = |before: &str, path: &[&str], after: &str| {
        assert_eq!(insert(&parse(before), path, "r.io/x").unwrap().text(), after, "{before:?}");
    };
    check("", &["a", "b"], "a:\n  b: r.io/x\n");
    check("# only a comment", &["a"], "# only a comment\na: r.io/x\n");
    check("---\n", &["a"], "---\na: r.io/x\n");
    check("a: b\n", &["c"], "a: b\nc: r.io/x\n");
    check("a: b", &["c"], "a: b\nc: r.io/x");
    check(
        "a: b\r\nc:\r\n    d: e # f\r\n# g\r\n",
        &["c", "x", "z"],
        "a: b\r\nc:\r\n    d: e # f\r\n    x:\r\n        z: r.io/x\r\n# g\r\n",
    );
    check("a:\n  b: c\nd: e\n", &["a", "x"], "a:\n  b: c\n  x: r.io/x\nd: e\n");
    check("a:\n  b:\n    c: d\ne: f\n", &["a", "x"], "a:\n  b:\n    c: d\n  x: r.io/x\ne: f\n");
    check("a:\n  b: |+\n    c\n\nd: e\n", &["a", "x"], "a:\n  x: r.io/x\n  b: |+\n    c\n\nd: e\n");
    check("a: {}\n", &["a", "x", "z"], "a: {x: {z: r.io/x}}\n");
    check("a: {b: c} # d\n", &["a", "x"], "a: {x: r.io/x, b: c} # d\n");
    check("{\n  \"a\": 1\n}\n", &["x"], "{\"x\": \"r.io/x\", \n  \"a\": 1\n}\n");
    check("a:\n  b:\n", &["a", "on"], "a:\n  b:\n  \"on\": r.io/x\n");
    check("a:\n- b\n", &["x"], "a:\n- b\nx: r.io/x\n");
    check("a: &m\n  b: c\nd: *m\n", &["d", "x"], "a: &m\n  b: c\n  x: r.io/x\nd: *m\n");
    check("a: { }\n", &["a", "x"], "a: {x: r.io/x }\n");
    check("{a: !{}}\n", &["a", "x"], "{a: !{x: r.io/x}}\n");
    check("a: { # b\n  }\n", &["a", "x"], "a: {x: r.io/x # b\n  }\n");
    check("\u{feff}a: b\n", &["x"], "\u{feff}a: b\nx: r.io/x\n");
    check("? a\n: b\n", &["x"], "? a\n: b\nx: r.io/x\n");
    check("m:\n  ? a\n  : |\n    b\n", &["m", "x"], "m:\n  x: r.io/x\n  ? a\n  : |\n    b\n");
    let no_place = |before: &str, path: &[&str], expected: &str| {
        assert_eq!(insert(&parse(before), path, "x").unwrap_err().to_string(), expected);
    };
    no_place("a: b\n", &["a", "c"], "line 1: a value that is no map can't take the key \"c\"");
    no_place("a:\n  - b\n", &["a", "c"], "line 2: a list can't take the key \"c\"");
    no_place("null\n", &["c"], "line 1: a value that is no map can't take the key \"c\"");
    let loose = "line 1: a file in which a line begins with a closing bracket can't take the key \"c\"";
    no_place("a: {x,\n}", &["c"], loose);
    for text in [": b\n", "a:\n:\n", "? a\n:\n"] {
        no_place(text, &["c"], "line 1: a file in which a colon stands alone can't take the key \"c\"");
    }
}
