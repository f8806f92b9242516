// Every text that a page shows, whose contrast with what lies below it is under WCAG's AA: 4.5, or
// 3 for large letters. Text of drawings too: there, what lies below is what was drawn before.
async () => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], below) =>
    [r, g, b].map((part, i) => part * a + below[i] * (1 - a));
  const luminance = (colour) => {
    const [r, g, b] = colour
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const colour = rgba(getComputedStyle(element).backgroundColor);
    return colour[3] === 1 ? colour.slice(0, 3) : over(colour, ground(element.parentElement));
  };
  const opacity = (element) =>
    element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1;

  // The pixels of heatmaps, which Matplotlib embeds in its drawings as images.
  const pixels = new Map();
  for (const element of document.querySelectorAll(".bd-article svg image")) {
    const image = new Image();
    image.src = element.href.baseVal;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    pixels.set(element, canvas);
  }
  const imageColour = (element, box, x, y) => {
    const canvas = pixels.get(element);
    const { width, height } = canvas.canvas;
    // Matplotlib turns images upside down, and back by a transformation.
    const turned = element.getCTM().d < 0;
    const across = Math.min(width - 1, Math.floor(((x - box.left) / box.width) * width));
    const down = Math.min(height - 1, Math.floor(((y - box.top) / box.height) * height));
    const [r, g, b, a] = canvas.getImageData(across, turned ? height - 1 - down : down, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const shapes = new Map();
  const drawnBelow = (text, below) => {
    const svg = text.ownerSVGElement;
    if (!shapes.has(svg))
      shapes.set(
        svg,
        [...svg.querySelectorAll("rect, path, polygon, circle, ellipse, image")]
          .filter((shape) => !shape.closest("defs, clipPath, marker, symbol"))
          .map((shape) => [shape, shape.getBoundingClientRect()]),
      );
    const own = text.getBoundingClientRect();
    const [x, y] = [(own.left + own.right) / 2, (own.top + own.bottom) / 2];
    for (const [shape, box] of shapes.get(svg)) {
      const before = shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (!before || x < box.left || x > box.right || y < box.top || y > box.bottom) continue;
      if (shape.tagName === "image") below = over(imageColour(shape, box, x, y), below);
      else {
        const point = new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse());
        const style = getComputedStyle(shape);
        if (style.fill === "none" || !shape.isPointInFill(point)) continue;
        const [r, g, b, a] = rgba(style.fill);
        below = over([r, g, b, a * style.fillOpacity * opacity(shape)], below);
      }
    }
    return below;
  };

  const poor = new Map();
  let judged = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const words = walker.currentNode.data.trim();
    if (!words || element.closest("script, style, option, noscript, .katex-mathml, dialog")) continue;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (box.width < 2 || box.height < 2 || style.visibility !== "visible") continue;
    const inDrawing = element.ownerSVGElement;
    let below = ground(inDrawing ? element.closest("svg").parentElement : element);
    if (inDrawing) below = drawnBelow(element, below);
    const [r, g, b, a] = rgba(inDrawing ? style.fill : style.color);
    const alpha = a * opacity(element) * (inDrawing ? style.fillOpacity : 1);
    if (alpha === 0) continue; // there for the eyes of a script
    const [light, dark] = [over([r, g, b, alpha], below), below]
      .map(luminance)
      .sort((one, other) => other - one);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    judged += 1;
    if (ratio < (large ? 3 : 4.5) - 0.01) {
      const shown = below.map(Math.round);
      const key = `${ratio.toFixed(2)}: ${inDrawing ? style.fill : style.color} on ${shown}`;
      poor.set(key, `${element.tagName}.${element.className.baseVal ?? element.className} ${words.slice(0, 40)}`);
    }
  }
  return { judged, poor: [...poor].map(([key, where]) => `${key}, ${where}`) };
}
