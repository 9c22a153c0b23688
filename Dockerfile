# A Linux desktop in a browser tab: MATE, with GPU rendering where there is a GPU.
#
#   docker build -t egldesktop .
#   docker run --rm -p 8080:8080 --shm-size=1g egldesktop
#
# What takes much room can be left out: --build-arg WINE=false, and the same with FIREFOX, LIBREOFFICE, APPLICATIONS,
# VIRTUALGL, NOVNC, SUDO. The GPU is given with --gpus all (NVIDIA) or --device /dev/dri (AMD, Intel).

# What the desktop stands on: Debian 12 or newer, or Ubuntu 24.04 or newer.
ARG BASE=docker.io/library/debian:bookworm-slim
# What it is compiled on: the oldest that is supported, because programs run with newer libraries, not with older ones.
ARG BUILD_BASE=docker.io/library/debian:bookworm-slim

# ---------------------------------------------------------------------------------------------------------------------
FROM ${BUILD_BASE} AS build
# What was compiled on the same release already, in CI for one, is taken as it is: podman build --volume FOLDER:/prebuilt:ro
# hadolint ignore=SC2086
RUN --mount=type=bind,source=scripts/container/install-packages.sh,target=/install-packages.sh \
    set -eu; \
    if [ -d /prebuilt ]; then exit 0; fi; \
    # A base image with Rust in it has cargo already. Debian's newest Rust is the one it builds browsers with.
    rust=$(command -v cargo >/dev/null || echo rustc-web cargo-web); \
    /install-packages.sh build-essential ca-certificates pkg-config $rust \
      libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev
WORKDIR /src
COPY . .
# A certificate authority that a proxy of the builder needs: --secret id=build-ca,src=FILE. Nothing of it stays.
# Cargo.lock has the checksum of every crate.
RUN --mount=type=secret,id=build-ca \
    --mount=type=cache,target=/root/.cargo/registry \
    --mount=type=cache,target=/target \
    set -eu; \
    if [ -s /run/secrets/build-ca ]; then export CARGO_HTTP_CAINFO=/run/secrets/build-ca; fi; \
    built=/prebuilt; \
    if [ ! -d /prebuilt ]; then \
      CARGO_TARGET_DIR="/target/$(uname -m)"; \
      export CARGO_TARGET_DIR; \
      cargo build --release --locked --package egldesktop-launcher --package gst-plugin-egldesktop \
        --package egldesktop-interposer; \
      built=$CARGO_TARGET_DIR/release; \
    fi; \
    install -D -t /out/bin "$built/egldesktop"; \
    install -D -m 644 -t /out/lib/gstreamer-1.0 "$built/libgstegldesktop.so"; \
    install -D -m 644 -t /out/lib/egldesktop "$built/libegldesktop_interposer.so"; \
    install -D -m 644 -t /out/share/doc/egldesktop LICENSE

# ---------------------------------------------------------------------------------------------------------------------
# VirtualGL is in neither Debian nor Ubuntu. A commit's name is the checksum of all that is in it, and git checks it.
FROM ${BASE} AS virtualgl
ARG VIRTUALGL=true
ARG VIRTUALGL_REPOSITORY=https://github.com/VirtualGL/virtualgl.git
# 3.1.4
ARG VIRTUALGL_COMMIT=c041878557cb6572b8059d6319f37f212d0af0d6
RUN --mount=type=bind,source=scripts/container/install-packages.sh,target=/install-packages.sh \
    --mount=type=secret,id=build-ca \
    set -eu; \
    mkdir -p /opt/VirtualGL; \
    if [ "$VIRTUALGL" != true ]; then exit 0; fi; \
    /install-packages.sh build-essential ca-certificates cmake git libegl-dev libgl-dev libglu1-mesa-dev \
      libturbojpeg0-dev libx11-dev libx11-xcb-dev libxcb-glx0-dev libxcb-keysyms1-dev libxext-dev libxtst-dev libxv-dev; \
    if [ -s /run/secrets/build-ca ]; then export GIT_SSL_CAINFO=/run/secrets/build-ca; fi; \
    git init --quiet /virtualgl; \
    git -C /virtualgl fetch --quiet --depth 1 "$VIRTUALGL_REPOSITORY" "$VIRTUALGL_COMMIT"; \
    git -C /virtualgl checkout --quiet --detach "$VIRTUALGL_COMMIT"; \
    libraries=/usr/lib/$(gcc -print-multiarch); \
    cmake -S /virtualgl -B /virtualgl/build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/opt/VirtualGL -DVGL_FAKEOPENCL=OFF \
      -DTJPEG_INCLUDE_DIR=/usr/include -DTJPEG_LIBRARY="$libraries/libturbojpeg.so"; \
    cmake --build /virtualgl/build --parallel "$(nproc)"; \
    cmake --install /virtualgl/build --strip; \
    rm -rf /virtualgl

# ---------------------------------------------------------------------------------------------------------------------
# noVNC without the servers that its package wants beside it: our own program is the server.
FROM ${BASE} AS novnc
ARG NOVNC=true
WORKDIR /tmp
RUN set -eu; \
    mkdir -p /novnc/usr/share/novnc; \
    if [ "$NOVNC" != true ]; then exit 0; fi; \
    apt-get update; \
    # apt checks what it fetches.
    apt-get download novnc; \
    dpkg --extract novnc_*.deb /novnc

# ---------------------------------------------------------------------------------------------------------------------
FROM ${BASE} AS desktop
COPY scripts/container/dpkg-exclude /etc/dpkg/dpkg.cfg.d/egldesktop
COPY scripts/container/install-packages.sh /usr/local/sbin/

# X server, sound, messages, and what a person at a terminal expects.
RUN set -eu; \
    install-packages.sh \
      alsa-utils ca-certificates curl dbus dbus-x11 fonts-dejavu-core less libasound2-plugins libnss-wrapper locales nano \
      procps psmisc pulseaudio pulseaudio-utils tzdata wmctrl x11-utils x11-xserver-utils xauth xclip xdotool xkb-data xterm \
      xvfb; \
    sed -i 's/^# *en_US.UTF-8 UTF-8/en_US.UTF-8 UTF-8/' /etc/locale.gen; \
    locale-gen

# OpenGL, Vulkan and VA-API by Mesa; Intel's own encoders.
# hadolint ignore=SC2086
RUN set -eu; \
    intel=$(test "$(dpkg --print-architecture)" = amd64 && echo intel-media-va-driver-non-free || true); \
    install-packages.sh --more-components \
      libegl1 libgl1 libgl1-mesa-dri libgles2 libglx-mesa0 libvulkan1 mesa-utils mesa-va-drivers mesa-vulkan-drivers vainfo \
      vulkan-tools $intel
# The libraries of NVIDIA's driver come from the host, when a container starts; these say what they are for.
COPY scripts/container/egl-vendor.json /usr/share/glvnd/egl_vendor.d/10_nvidia.json
COPY scripts/container/vulkan-icd.json /etc/vulkan/icd.d/nvidia_icd.json

# Every encoder that is packaged.
RUN set -eu; \
    install-packages.sh \
      gstreamer1.0-gl gstreamer1.0-nice gstreamer1.0-plugins-bad gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
      gstreamer1.0-plugins-ugly gstreamer1.0-pulseaudio gstreamer1.0-tools gstreamer1.0-x

RUN set -eu; \
    install-packages.sh \
      adwaita-icon-theme desktop-base libcanberra-gtk3-module libglib2.0-bin mate-backgrounds mate-desktop-environment-core \
      mate-notification-daemon mate-terminal

ARG APPLICATIONS=true
RUN set -eu; \
    if [ "$APPLICATIONS" = true ]; then install-packages.sh \
      atril engrampa eom fonts-noto-cjk fonts-noto-color-emoji fonts-noto-core htop mate-applets mate-calc mate-media \
      mate-system-monitor mate-utils p7zip-full pavucontrol pluma unzip zip; fi

ARG FIREFOX=true
RUN set -eu; \
    if [ "$FIREFOX" = true ]; then \
      # Ubuntu's package brings a snap, which does not run in a container.
      . /etc/os-release; \
      if [ "$ID" = ubuntu ]; then echo "Ubuntu has no Firefox for containers: --build-arg FIREFOX=false" >&2; exit 1; fi; \
      install-packages.sh firefox-esr; \
    fi

ARG LIBREOFFICE=true
RUN set -eu; \
    if [ "$LIBREOFFICE" = true ]; then install-packages.sh \
      libreoffice-calc libreoffice-draw libreoffice-gtk3 libreoffice-impress libreoffice-math libreoffice-writer; fi

# Wine runs the programs of the processor that it runs on, and there are few for Windows on ARM.
ARG WINE=true
RUN set -eu; \
    if [ "$WINE" = true ] && [ "$(dpkg --print-architecture)" = amd64 ]; then \
      install-packages.sh --more-components --architecture i386 \
        libgl1:i386 libgl1-mesa-dri:i386 mesa-vulkan-drivers:i386 playonlinux wine wine32:i386 wine64 winetricks; fi

ARG NOVNC=true
RUN set -eu; \
    if [ "$NOVNC" = true ]; then install-packages.sh x11vnc; fi
COPY --from=novnc /novnc/usr/share/novnc /usr/share/novnc

ARG VIRTUALGL=true
RUN set -eu; \
    if [ "$VIRTUALGL" = true ]; then \
      install-packages.sh libturbojpeg0 libxcb-glx0 libxcb-keysyms1 libxtst6 libxv1; \
      for folder in lib lib64 lib32; do echo "/opt/VirtualGL/$folder"; done > /etc/ld.so.conf.d/virtualgl.conf; \
    fi
COPY --from=virtualgl /opt/VirtualGL /opt/VirtualGL

# A container that may gain privileges has sudo without a password, as this image always had; with no-new-privileges, in
# Kubernetes for one, nobody can become root.
ARG SUDO=true
RUN set -eu; \
    if [ "$SUDO" = true ]; then \
      install-packages.sh sudo; \
      echo 'user ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/user; \
      chmod 440 /etc/sudoers.d/user; \
    fi; \
    ldconfig; \
    groupadd --gid 1000 user; \
    useradd --uid 1000 --gid user --groups audio,video --create-home --shell /bin/bash user; \
    # Some clusters give a number of their own to the user, and always the group 0.
    chgrp -R 0 /home/user; \
    chmod -R g=u /home/user; \
    # Written at the start of each container's own, if at all.
    rm -f /etc/machine-id /var/lib/dbus/machine-id; \
    ln -s /run/machine-id /var/lib/dbus/machine-id

COPY --from=build /out /usr/local

# Only what is different in a container: the program knows the defaults of all the others. Of several names of a variable
# this sets the one that is looked at last, so that whoever runs the image may use any of them.
ENV LISTEN_HOST=0.0.0.0 \
    WEBRTC_ENCODER_FALLBACK=true \
    # As the image always had it, and the whole of it: NVIDIA's container toolkit reads these.
    NVIDIA_DRIVER_CAPABILITIES=all \
    NVIDIA_VISIBLE_DEVICES=all \
    # Firefox would use a user namespace where it may make one, and some of its processes then end, again and again, because
    # they may not chroot in there.
    MOZ_ASSUME_USER_NS=0 \
    # The registry depends on the GPU, so it must not live longer than the container.
    GST_REGISTRY=/tmp/gstreamer-registry.bin \
    HOME=/home/user \
    LANG=en_US.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/opt/VirtualGL/bin \
    SHELL=/bin/bash \
    TZ=UTC \
    USER=user

ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="egldesktop" \
      org.opencontainers.image.description="A Linux desktop with GPU rendering in a browser tab" \
      org.opencontainers.image.licenses="MPL-2.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"

# By number, so that a cluster sees that it is not root.
USER 1000:1000
WORKDIR /home/user
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["egldesktop", "--check-health"]
ENTRYPOINT ["egldesktop"]
