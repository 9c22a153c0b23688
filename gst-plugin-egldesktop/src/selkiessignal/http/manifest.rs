//! What browsers read to install the page as an app (Web Application Manifest, W3C).

use serde_json::json;

const NAME: &str = "egldesktop";

/// The manifest. Its addresses are relative to it, so that the folder of a proxy makes no difference.
pub(in super::super) fn manifest(name: Option<&str>, short_name: Option<&str>, start_url: Option<&str>) -> String {
    let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let name = given(name).unwrap_or_else(|| NAME.to_owned());
    // Where Selkies' page was; here the page is the folder, and an absolute path would miss the folder of a proxy.
    let start_url = given(start_url).map(|url| url.trim_start_matches('/').to_owned());
    let start_url = start_url.filter(|url| !url.is_empty() && url != "index.html").unwrap_or_else(|| "./".to_owned());
    let icon = |source: &str, sizes: &str, kind: &str, purpose: &str| json!({ "src": source, "sizes": sizes, "type": kind, "purpose": purpose });
    json!({
        "id": "./",
        "name": name,
        "short_name": given(short_name).unwrap_or_else(|| name.clone()),
        "start_url": start_url,
        "scope": "./",
        "display": "standalone",
        "display_override": ["fullscreen", "standalone"],
        "background_color": "#0a0d14",
        "theme_color": "#0a0d14",
        "categories": ["productivity", "utilities"],
        "icons": [
            icon("icons/192.png", "192x192", "image/png", "any"),
            icon("icons/512.png", "512x512", "image/png", "any"),
            icon("icons/maskable.png", "512x512", "image/png", "maskable"),
            icon("favicon.svg", "any", "image/svg+xml", "any"),
        ],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: Option<&str>, short_name: Option<&str>, start_url: Option<&str>) -> serde_json::Value {
        serde_json::from_str(&manifest(name, short_name, start_url)).unwrap()
    }

    #[test]
    fn names_and_start_as_given() {
        let bare = parsed(None, None, None);
        assert_eq!(
            (&bare["name"], &bare["short_name"], &bare["start_url"]),
            (&"egldesktop".into(), &"egldesktop".into(), &"./".into())
        );
        let own = parsed(Some("Render \"box\""), Some(" Box "), Some("/?lang=de"));
        assert_eq!(
            (&own["name"], &own["short_name"], &own["start_url"]),
            (&"Render \"box\"".into(), &"Box".into(), &"?lang=de".into())
        );
        // As docker-nvidia-egl-desktop sets it.
        assert_eq!(parsed(Some("Selkies"), Some(""), Some("/index.html"))["start_url"], "./");
    }
}
