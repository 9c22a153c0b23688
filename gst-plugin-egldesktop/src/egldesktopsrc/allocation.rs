//! The pool that frames come from, as downstream wants it.

use gst::prelude::*;

/// What we hold on to, and two more for downstream to work with.
const LEAST: u32 = 3;

/// Puts a pool into the answer to an ALLOCATION query: downstream's, if it offers one that will do, else one of our own
/// with downstream's allocator and alignment.
pub(super) fn decide(query: &mut gst::query::Allocation) -> Result<(), gst::LoggableError> {
    let caps = query.get_owned().0;
    let caps = caps.ok_or_else(|| gst::loggable_error!(super::imp::CAT, "an ALLOCATION query without caps"))?;
    let info = gst_video::VideoInfo::from_caps(&caps)?;
    let (allocator, params) = query.allocation_params().next().unwrap_or_default();
    let offered = query.allocation_pools().next();
    let has_any = offered.is_some();
    let (pool, size, least, most) = offered.unwrap_or((None, 0, 0, 0));
    let frame = u32::try_from(info.size()).map_err(|_| gst::loggable_error!(super::imp::CAT, "{caps} is too large"))?;
    let size = size.max(frame);
    let least = least.max(LEAST);
    let takes_video_meta = query.find_allocation_meta::<gst_video::VideoMeta>().is_some();

    let configure = |pool: &gst::BufferPool, most: u32| {
        let mut config = pool.config();
        config.set_params(Some(&caps), size, least, most);
        config.set_allocator(allocator.as_ref(), Some(&params));
        if takes_video_meta {
            config.add_option(gst_video::BUFFER_POOL_OPTION_VIDEO_META);
        }
        pool.set_config(config).or_else(|refused| {
            // It may have changed the request to one that it can meet.
            let config = pool.config();
            config.validate_params(Some(&caps), size, least, most).map_err(|_| refused)?;
            pool.set_config(config)
        })
    };
    // One that can't have enough would leave us waiting for ourselves.
    let theirs = pool.filter(|pool| (most == 0 || most >= least) && configure(pool, most).is_ok());
    let (pool, most) = match theirs {
        Some(pool) => (pool, most),
        None => {
            let pool = gst_video::VideoBufferPool::new().upcast::<gst::BufferPool>();
            configure(&pool, 0)?;
            (pool, 0)
        }
    };
    if has_any {
        query.set_nth_allocation_pool(0, Some(&pool), size, least, most);
    } else {
        query.add_allocation_pool(Some(&pool), size, least, most);
    }
    Ok(())
}

/// Frames on the GPU are not from any pool: downstream's would be filled with buffers that nobody takes.
pub(super) fn decline(query: &mut gst::query::Allocation) -> Result<(), gst::LoggableError> {
    while query.allocation_pools().next().is_some() {
        query.remove_nth_allocation_pool(0);
    }
    Ok(())
}
