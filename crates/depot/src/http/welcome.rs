//! The first page, for people: plain HTML that needs no script.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::header;
use axum::response::IntoResponse;

use super::auth::{Asker, Sight};
use super::{Answer, App, with_store};

/// Names shown before the page says how many more there are.
const SHOWN: usize = 200;

/// `GET /`, and `/index.yaml` where charts are kept per project.
pub(super) async fn page(app: &Arc<App>, asker: &Asker) -> Answer {
    let sight = Sight::of(app, asker).await?;
    let mut repositories = with_store(app, |store| store.metadata.repositories()).await?;
    repositories.retain(|name| sight.sees_repository(name));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    Ok((headers, render(&repositories)).into_response())
}

/// Repository names are of a grammar without anything that HTML would take for its own.
fn render(repositories: &[String]) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Portolan depot</title></head>\n<body>\n\
         <h1>Welcome to the Portolan depot</h1>\n\
         <p>A container registry (<code>/v2/</code>) and a chart repository (<code>/PROJECT/index.yaml</code>).</p>\n\
         <h2>Repositories</h2>\n<ul>\n",
    );
    for name in repositories.iter().take(SHOWN) {
        writeln!(page, "<li>{name}</li>").expect("because writing into a string cannot fail");
    }
    page.push_str("</ul>\n");
    if repositories.len() > SHOWN {
        let more = repositories.len() - SHOWN;
        writeln!(page, "<p>and {more} more</p>").expect("because writing into a string cannot fail");
    }
    page.push_str("</body>\n</html>\n");
    page
}
