//! Property: whatever a values file looks like, relocation changes the scalars that hints name and not a
//! byte beside them, and relocating twice is relocating once.

use bytes::Bytes;
use portolan_chart::{Chart, ChartFile, Hints, RelocateOptions, Rules, relocate};
use proptest::prelude::*;

/// How the value of one image stands in the file.
#[derive(Clone, Copy, Debug)]
enum Form {
    Plain,
    Single,
    Double,
    Literal,
    Folded,
    Anchored,
    Flow,
    Json,
    OnNextLine,
}

/// One image of the file.
#[derive(Clone, Debug)]
struct Image {
    form: Form,
    name: String,
    comment: Option<String>,
    blank_lines: usize,
}

fn image() -> impl Strategy<Value = Image> {
    use Form::{Anchored, Double, Flow, Folded, Json, Literal, OnNextLine, Plain, Single};
    let forms = vec![Plain, Single, Double, Literal, Folded, Anchored, Flow, Json, OnNextLine];
    let name = "(quay\\.io/|gcr\\.io/x/|)img[a-z0-9]{0,6}(/[a-z]{1,4}){0,2}";
    let comment = proptest::option::of("[ -~é]{0,12}");
    (proptest::sample::select(forms), name, comment, 0..3_usize)
        .prop_map(|(form, name, comment, blank_lines)| Image { form, name, comment, blank_lines })
}

/// The file, with `value` standing for each image's name.
fn file(images: &[Image], newline: &str, indent: usize, value: impl Fn(&Image) -> String) -> String {
    let mut lines = vec!["# values".to_owned(), "images:".to_owned()];
    let pad = " ".repeat(indent);
    for (number, image) in images.iter().enumerate() {
        let comment = image.comment.as_ref().map(|text| format!(" # {text}")).unwrap_or_default();
        let value = value(image);
        lines.extend(vec![String::new(); image.blank_lines]);
        lines.push(format!("{pad}i{number}: {value}{comment}"));
        lines.push(format!("{pad}t{number}: 'v1'"));
    }
    lines.push("end: \"é\"".to_owned());
    lines.join(newline)
}

fn written(image: &Image, name: &str, newline: &str, indent: usize) -> String {
    let pad = " ".repeat(indent + 2);
    match image.form {
        Form::Plain => name.to_owned(),
        Form::Single => format!("'{name}'"),
        Form::Double => format!("\"{name}\""),
        Form::Anchored => format!("&a{} {name}", image.blank_lines),
        Form::Flow => format!("{{x: [1, {{}}], image: {name}, y: z}}"),
        Form::Json => format!("{{\"image\":\"{name}\"}}"),
        Form::OnNextLine => format!("{newline}{pad}{name}"),
        // Their lines come behind the comment; see `relocates`.
        Form::Literal | Form::Folded => name.to_owned(),
    }
}

fn chart(values: &str) -> Chart {
    let file = |path: &str, text: &str| ChartFile {
        path: path.to_owned(),
        data: Bytes::copy_from_slice(text.as_bytes()),
    };
    let metadata = file("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n");
    Chart::from_files("a", vec![metadata, file("values.yaml", values)])
        .expect("because the chart is complete")
}

fn hints(images: &[Image]) -> Hints {
    let path = |form| match form {
        Form::Flow | Form::Json => ".image",
        _ => "",
    };
    let hint = |(n, image): (usize, &Image)| {
        format!("- '{{{{ .images.i{n}{} }}}}:{{{{ .images.t{n} }}}}'\n", path(image.form))
    };
    let list: String = images.iter().enumerate().map(hint).collect();
    Hints::parse("hints.yaml", list.as_bytes()).expect("because the hints are templates")
}

proptest! {
    #[test]
    fn relocates(
        images in proptest::collection::vec(image(), 1..8),
        newline in proptest::sample::select(vec!["\n", "\r\n"]),
        indent in 1..5_usize,
    ) {
        let rules = Rules {
            registry: Some("t.io".parse().unwrap()),
            repository: Some("p".parse().unwrap()),
            ..Rules::default()
        };
        let options = RelocateOptions { target_repo_name: String::new(), digest_of: &|_| None };
        // Block scalars become plain ones: the header is replaced and the lines go.
        let block = |image: &Image| match image.form {
            Form::Literal => Some("|-"),
            Form::Folded => Some(">"),
            _ => None,
        };
        let before = file(&images, newline, indent, |image| match block(image) {
            Some(header) => format!("{header}@{}@", image.name),
            None => written(image, &image.name, newline, indent),
        });
        let before = unfold(&before, newline, indent);
        let after = file(&images, newline, indent, |image| {
            let name = image.name.rsplit('/').next().unwrap_or_default();
            written(image, &format!("t.io/p/{name}"), newline, indent)
        });
        let hints = hints(&images);
        let once = relocate(&chart(&before), &hints, &rules, &options).unwrap().chart;
        let values = String::from_utf8(once.file("values.yaml").unwrap().data.to_vec()).unwrap();
        prop_assert_eq!(values, after);
        let twice = relocate(&once, &hints, &rules, &options).unwrap();
        prop_assert_eq!(twice.edits.len(), 0);
        prop_assert_eq!(twice.chart.files(), once.files());
    }
}

/// Moves the content of block scalars, marked by `@`, to the line behind their header.
fn unfold(text: &str, newline: &str, indent: usize) -> String {
    let pad = " ".repeat(indent + 1);
    let lines = text.split(newline).map(|line| {
        let mut parts = line.splitn(3, '@');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(head), Some(name), Some(rest)) if head.ends_with(['-', '>']) => {
                format!("{head}{rest}{newline}{pad}{name}")
            }
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join(newline)
}
