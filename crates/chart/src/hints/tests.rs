//! The grammar of hints and its errors.

use super::*;

fn error_text(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", error_text(source)),
        None => error.to_string(),
    }
}

#[test]
fn roles_of_placeholders() {
    let check = |text: &str, expected: &[(&str, Role)], wants_digest: bool| {
        let hints = Hints::parse("h", format!("- '{text}'\n").as_bytes()).unwrap();
        let hint = hints.iter().next().unwrap();
        let paths: Vec<(String, Role)> = hint
            .pieces()
            .iter()
            .filter_map(|piece| match piece {
                Piece::Path { keys, role } => Some((keys.join("."), *role)),
                Piece::Text(_) => None,
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(path, role)| ((*path).to_owned(), *role)).collect();
        assert_eq!(paths, expected, "{text}");
        assert_eq!(hint.wants_digest(), wants_digest, "{text}");
    };
    check(
        "{{ .i.registry }}/{{ .i.repository }}:{{ .i.tag }}",
        &[("i.registry", Role::Registry), ("i.repository", Role::Repository), ("i.tag", Role::Tag)],
        false,
    );
    check("{{.a}}@{{.d}}", &[("a", Role::Both), ("d", Role::Digest)], false);
    check("{{ .a }}:{{ .t }}@{{ .d }}", &[("a", Role::Both), ("t", Role::Tag), ("d", Role::Digest)], false);
    check("{{ .a }}", &[("a", Role::Both)], true);
    check("{{ .a }}/{{ .b }}", &[("a", Role::Registry), ("b", Role::Repository)], true);
    check("{{ .a }}:1.0", &[("a", Role::Both)], false);
    check("{{   .sub-chart.image_1   }}", &[("sub-chart.image_1", Role::Both)], true);
}

#[test]
fn files_without_hints() {
    for text in ["", "---\n", "# nothing\n", "[]", "null\n"] {
        assert!(Hints::parse("h", text.as_bytes()).unwrap().is_empty(), "{text:?}");
    }
}

#[test]
fn errors_name_file_line_and_text() {
    let check = |text: &str, expected: &str| {
        let error = Hints::parse("x: hints.yaml", text.as_bytes()).unwrap_err();
        assert_eq!(error_text(&error), format!("image hints x: hints.yaml: {expected}"), "{text}");
    };
    check("a: b\n", "line 1: is no list of templates");
    check("# c\n- {{ .a }}\n", "line 2: is no text; put the template in quotes");
    check("- 'nginx'\n", r#"line 1: "nginx": no placeholder for registry or repository"#);
    check("- ':{{ .a }}'\n", r#"line 1: ":{{ .a }}": no placeholder for registry or repository"#);
    check(
        "\n- '{{ .a }}/{{ .b }}/{{ .c }}'\n",
        r#"line 2: "{{ .a }}/{{ .b }}/{{ .c }}": 3 placeholders for registry and repository; there can be one or two"#,
    );
    check(
        "- '{{ .a }}:{{ .b }}:{{ .c }}'\n",
        r#"line 1: "{{ .a }}:{{ .b }}:{{ .c }}": more than one placeholder for the tag"#,
    );
    check("- '{{ .a'\n", r#"line 1: "{{ .a": a placeholder isn't closed with }}"#);
    check(
        "- '{{ default .a }}'\n",
        r#"line 1: "{{ default .a }}": {{ default .a }} is no path into the values, as in {{ .image.repository }}"#,
    );
    check(
        "- '{{ . }}'\n",
        r#"line 1: "{{ . }}": {{ . }} is no path into the values, as in {{ .image.repository }}"#,
    );
    check("- [a\n", "line 2: while parsing a flow sequence, expected ',' or ']'");
    check(&"- '{{ .a }}'\n".repeat(2_001), "2001 entries, more than 2000");
}
