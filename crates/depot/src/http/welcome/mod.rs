//! The first page, for people: what the depot holds, in plain HTML that needs no script.

mod html;

use std::sync::Arc;

use axum::http::header;
use axum::response::IntoResponse;

use super::auth::{Asker, Sight};
use super::{Answer, App, with_store};
use crate::store::{Holdings, Named, Store, StoreError};

/// Lines of a list before it says how many more there are.
const SHOWN: usize = 200;

/// What somebody sees of a depot.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Overview {
    /// Every project they see.
    projects: Vec<Holdings>,
    /// The first repositories of those.
    repositories: Vec<Named>,
    /// The first charts of those, each with its project.
    charts: Vec<(String, Named)>,
}

/// `GET /`, and `/index.yaml` where charts are kept per project.
pub(super) async fn page(app: &Arc<App>, asker: &Asker) -> Answer {
    let sight = Sight::of(app, asker).await?;
    let seen = with_store(app, move |store| Overview::of(store, |project| sight.sees(project))).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        // It shows what this one asker may see.
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, html::page(&seen, app.options.chart_depth)).into_response())
}

impl Overview {
    /// Looks at the projects that `sees` allows. However much there is, no more is read than is
    /// shown, beside one line for each project.
    fn of(store: &Store, sees: impl Fn(&str) -> bool) -> Result<Self, StoreError> {
        let mut projects = store.holdings()?;
        projects.retain(|held| sees(&held.project));
        let mut seen = Self { projects, repositories: Vec::new(), charts: Vec::new() };
        for held in &seen.projects {
            let project = held.project.as_str();
            seen.repositories.extend(store.repositories_of(project, room(seen.repositories.len()))?);
            let charts = store.charts_of(project, room(seen.charts.len()))?;
            seen.charts.extend(charts.into_iter().map(|chart| (project.to_owned(), chart)));
            if room(seen.repositories.len()) == 0 && room(seen.charts.len()) == 0 {
                break;
            }
        }
        Ok(seen)
    }

    /// The sum of a number over all projects.
    fn sum(&self, number: impl Fn(&Holdings) -> u64) -> u64 {
        self.projects.iter().map(number).sum()
    }
}

/// How many more lines there may be.
fn room(filled: usize) -> u32 {
    u32::try_from(SHOWN.saturating_sub(filled)).unwrap_or_default()
}
