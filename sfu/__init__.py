"""The media plane: forwards RTP and never decodes it; knows tracks and peers, not people, chat or roles."""
